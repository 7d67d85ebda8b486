"""Pictures with Pillow: decodes photos and results, finishes cut-outs and renders variants."""
