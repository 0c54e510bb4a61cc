"""Run the workflow: the same as `gradient-horizon run`.

python run_workflow.py [any Snakemake argument]
"""

from gradient_horizon.commands import run

if __name__ == "__main__":
    run.main()
