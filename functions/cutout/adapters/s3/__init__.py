"""The buckets in S3, a module for each use of one."""
