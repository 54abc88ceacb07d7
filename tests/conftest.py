"""What every test shares: the checkout is importable, as it is from `flask --app ingest_app` in its root."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
