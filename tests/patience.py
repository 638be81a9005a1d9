"""How long tests wait for what must come. Waits end as soon as it does: nothing is measured with this."""

import os

PATIENCE = float(os.environ.get("TEMPOSE_PATIENCE", "300"))  # seconds, for machines with much else to do
