#!/usr/bin/env bash
# A SLURM cluster of one node on this machine, to test against: scripts/local_slurm.sh up|down, as root on Debian or Ubuntu.
# Two partitions: `work`, whose jobs are queued again when one of `urgent` wants their place. A SLURM that is set up in
# another way is left alone.
set -euo pipefail

conf=/etc/slurm/slurm.conf
mark="# written by saddlegan's scripts/local_slurm.sh"
#: Ids of the processes that were begun here.
ours=(/run/slurm/slurmd.pid /run/slurm/slurmctld.pid /run/munge/local_slurm.pid)

foreign() {
    [ -s "$conf" ] && ! grep -qxF "$mark" "$conf"
}

install() {
    export DEBIAN_FRONTEND=noninteractive
    local quick=(-o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 -o Acquire::Retries=1)
    timeout 120 apt-get "${quick[@]}" update -qq
    # Not to be begun as services: this script begins them, and ends them.
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod +x "$policy"
        trap "rm -f $policy" EXIT
    fi
    timeout 240 apt-get "${quick[@]}" install -y -qq slurm-wlm munge > /dev/null
}

up() {
    if foreign; then
        echo "local_slurm.sh: got $conf of a SLURM that is there, expected none. Remedy: another machine." >&2
        return 1
    fi
    if ! command -v slurmctld > /dev/null || ! command -v munged > /dev/null; then
        install
    fi
    local host cpus memory
    host=$(hostname -s)
    cpus=$(nproc)
    memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    mkdir -p /etc/slurm /run/munge /run/slurm /var/log/slurm /var/spool/slurm/ctld /var/spool/slurm/d
    chown munge: /run/munge /etc/munge /etc/munge/munge.key /var/lib/munge /var/log/munge
    cat > "$conf" << CONF
$mark
ClusterName=local
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SchedulerParameters=batch_sched_delay=1,sched_interval=5,bf_interval=5
JobRequeue=1
ReturnToService=2
KillWait=30
MinJobAge=600
StateSaveLocation=/var/spool/slurm/ctld
SlurmdSpoolDir=/var/spool/slurm/d
SlurmctldPidFile=/run/slurm/slurmctld.pid
SlurmdPidFile=/run/slurm/slurmd.pid
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory State=UNKNOWN
PartitionName=work Nodes=ALL Default=YES PriorityTier=1 PreemptMode=REQUEUE MaxTime=INFINITE State=UP
PartitionName=urgent Nodes=ALL PriorityTier=10 PreemptMode=OFF MaxTime=INFINITE State=UP
CONF
    pgrep -x munged > /dev/null || runuser -u munge -- /usr/sbin/munged --pid-file="${ours[2]}"
    pgrep -x slurmctld > /dev/null || slurmctld
    pgrep -x slurmd > /dev/null || slurmd
    for _ in $(seq 60); do
        if sinfo --noheader --format=%T 2> /dev/null | grep -Eq 'idle|mixed|allocated'; then
            sinfo
            return
        fi
        sleep 1
    done
    echo "local_slurm.sh: the node did not come up; see /var/log/slurm" >&2
    return 1
}

down() {
    if foreign; then
        return
    fi
    scancel --user="$(id -un)" 2> /dev/null || true
    for _ in $(seq 40); do  # jobs have KillWait seconds to end in
        [ -n "$(squeue --noheader 2> /dev/null)" ] || break
        sleep 1
    done
    local file pid
    for file in "${ours[@]}"; do
        [ -s "$file" ] || continue
        pid=$(cat "$file")
        kill "$pid" 2> /dev/null || true
        for _ in $(seq 30); do
            kill -0 "$pid" 2> /dev/null || break
            sleep 1
        done
        kill -KILL "$pid" 2> /dev/null || true
        rm -f "$file"
    done
    rm -rf /var/spool/slurm/ctld/* /var/spool/slurm/d/*
}

case "${1:-}" in
    up) up ;;
    down) down ;;
    *) sed -n '2,4s/^# //p' "$0"; exit 2 ;;
esac
