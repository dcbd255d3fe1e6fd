"""The stages of the pipeline, a module each; `dvc.yaml` runs them through the command line."""
