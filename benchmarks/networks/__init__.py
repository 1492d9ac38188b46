"""How well rankings of real pretrained networks agree with what the networks then do."""
