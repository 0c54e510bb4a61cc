"""Take the gradient of every kept net apart by distance, in float64, on the probe batch.

Before and after training also the spectra of its Jacobians, and after training how much the loss
rests on far inputs.

python measure_gradients.py --settings JSON --train train.npz --probe probe.npz --data data.npz
    --facts task.json --contributions contributions.parquet --summary summary.parquet
    --spectra spectra.parquet --influence influence.parquet
"""

from gradient_horizon.gradients import measurement, population
from gradient_horizon.ground import files, programs, user_arrays


def main() -> None:
    """Measure every seed at every checkpoint, write four tables."""
    arguments = programs.arguments(__doc__, "train", "probe", "data", "facts", *population.TABLES)
    trained, data = files.read_nets(arguments.train), files.read_arrays(arguments.data)
    probe = user_arrays.read_sequences(arguments.probe)
    with user_arrays.naming(arguments.probe):
        population.check_probe(probe, trained)
    held_out = (data[name] for name in ("evaluation_inputs", "evaluation_targets", "loss_mask"))
    evaluation = user_arrays.Sequences(*held_out)
    facts = files.read_json(arguments.facts)
    tables = population.measure(arguments.settings, trained, probe, evaluation, facts)
    for name, blocks in tables.items():
        files.write_blocks(getattr(arguments, name), blocks)


if __name__ == "__main__":
    programs.run(main, measurement.InexactError)
