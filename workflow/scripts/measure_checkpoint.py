"""Measure a trained net: the same as `gradient-horizon measure`.

python measure_checkpoint.py --weights net.safetensors --probe probe.npz --output folder
"""

from gradient_horizon.commands import measure

if __name__ == "__main__":
    measure.main()
