"""The gate: limits, price and pauses, and the shards that hold slots and credits."""
