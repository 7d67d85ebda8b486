"""``python -m infra.deploy``: deploy to AWS, destroy, or print the deploying role's policy."""

import sys

from .command import main

sys.exit(main())
