"""Jobs, the gate, times and money as text and JSON; errors; the two output streams."""
