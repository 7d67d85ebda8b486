"""The AWS side of Cutout as a CDK app: settings, a construct to embed, its assets and alarms."""
