"""Cutout: drop photos in a bucket; transparent cut-outs come back in another.

On Lambda, garbage is collected only after a function is composed, which `LambdaApp` does: until
then nearly nothing is garbage, and looking for some takes a tenth of a cold start.
"""

import gc
import os

if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    gc.disable()
