-- What a bound on a decode step needs to know of a GPU.
-- Grain: one GPU with specifications. Units: tb/s, pflop/s dense, gpu, gb/s per GPU in one direction.
-- scale_out_gb_per_s is NULL where the network between scale-up domains is not known.
CREATE VIEW decode_gpus AS
SELECT gpu, hbm_tb_per_s, fp8_dense_pflops, fp4_dense_pflops, scale_up_gpus, scale_up_gb_per_s, scale_out_gb_per_s
FROM hardware LEFT JOIN kernel_systems USING (gpu)
WHERE is_reference;
