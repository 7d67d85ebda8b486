"""Pictures with Pillow: looking into results, finishing cut-outs, and rendering variants."""
