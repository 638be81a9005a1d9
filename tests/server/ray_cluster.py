"""A Ray cluster on this machine until stdin ends: `python ray_cluster.py CPUS` prints its address."""

import sys
import tempfile

import ray

with tempfile.TemporaryDirectory(prefix="tempose-ray-") as folder:
    found = ray.init(
        num_cpus=int(sys.argv[1]),
        include_dashboard=False,
        log_to_driver=False,
        configure_logging=False,
        object_store_memory=200_000_000,
        _temp_dir=folder,
    )
    print(found.address_info["gcs_address"], flush=True)
    sys.stdin.read()
    ray.shutdown()
