"""Error answers of the task API, the Files API and the media host."""
