"""The alarms, the dashboard and the saved query."""
