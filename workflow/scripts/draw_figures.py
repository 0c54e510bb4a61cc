"""Draw the figures of one experiment, as PDF and PNG.

python draw_figures.py --experiment words --tables results/tables
    --facts results/words/task.json --output results/figures
"""

from pathlib import Path

from gradient_horizon.ground import files, programs
from gradient_horizon.report import figures, plotting


def main() -> None:
    """Read the tables, draw, write."""
    parser = programs.parser(__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--tables", type=Path, required=True)
    parser.add_argument("--facts", required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()

    def table(name: str):
        whole = files.read_table(arguments.tables / f"{name}.parquet")
        return whole[whole["experiment"] == arguments.experiment]

    plotting.use_style()
    by_distance, summary = table("contributions_median"), table("summary_median")
    facts = files.read_json(arguments.facts)
    drawn = {
        "transport": figures.transport(by_distance),
        "contribution": figures.contribution(by_distance),
        "truncation": figures.truncation(by_distance),
        "phase_diagram": figures.phase_diagram(summary),
        "learning_curves": figures.learning_curves(
            table("learning_curves"), facts["baselines"], facts["loss"]
        ),
        "horizon_over_training": figures.horizon_over_training(summary),
        "slopes": figures.slopes(table("slopes")),
        "influence": figures.influence(
            by_distance, table("influence_median"), summary, facts.get("relevant_distance")
        ),
        "spectra": figures.spectra(summary, table("spectra_median")),
    }
    for name, figure in drawn.items():
        plotting.save(figure, arguments.output / f"{name}_{arguments.experiment}")


if __name__ == "__main__":
    programs.run(main)
