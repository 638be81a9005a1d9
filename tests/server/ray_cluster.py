"""A Ray cluster on this machine until stdin ends: `python ray_cluster.py CPUS` prints its address."""

import os
import sys
import tempfile

os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "300")
os.environ.setdefault("RAY_prestart_worker_first_driver", "0")  # a process for each CPU, which nobody needs

import ray

TRIES = 5  # Ray gives a cluster half a minute to start, which is too little on a machine with much else to do


def start(folder):
    for tries_left in reversed(range(TRIES)):
        try:
            return ray.init(
                num_cpus=int(sys.argv[1]),
                include_dashboard=False,
                log_to_driver=False,
                configure_logging=False,
                object_store_memory=200_000_000,
                _temp_dir=folder,
            )
        except Exception as error:
            if not tries_left:
                raise
            print(f"once more, after: {error}", file=sys.stderr, flush=True)
            ray.shutdown()


with tempfile.TemporaryDirectory(prefix="tempose-ray-", ignore_cleanup_errors=True) as folder:
    print(start(folder).address_info["gcs_address"], flush=True)
    sys.stdin.read()
    ray.shutdown()
