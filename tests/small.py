"""The numbers of tiny configurations that tests of several rooms share."""

IDS = {"vocab_size": 320, "eos_token_id": 1, "bos_token_id": None, "pad_token_id": 1, "max_position_embeddings": 256}
LLAMA = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
} | IDS
GPT = {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 256} | IDS
EXPERTS = LLAMA | {"num_local_experts": 4, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
