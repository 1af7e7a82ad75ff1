#!/usr/bin/env bash
# Submit an experiment to SLURM, and end: scripts/submit.sh EXPERIMENT [key=value ...], for example
#   scripts/submit.sh gaussian_1d_sweep hydra.launcher.partition=cpu hydra.launcher.account=me
# Then: saddlegan-status outputs/EXPERIMENT --watch, and saddlegan-report outputs/EXPERIMENT.
set -euo pipefail
if [ $# -lt 1 ] || [ "$1" = "--help" ] || [ "$1" = "-h" ]; then
    sed -n '2,4s/^# //p' "$0"
    exit 2
fi
experiment=$1
shift
exec saddlegan "experiment=$experiment" hydra/launcher=slurm hydra.launcher.wait=false "$@"
