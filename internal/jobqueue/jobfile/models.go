package jobfile

// OwnModel says that a model is FaceFusion's own, of 3.0 to 3.8. Others have the name of a file
// that somebody added, or are of a later version.
func OwnModel(name string) bool {
	_, own := ownModels[name]
	return own
}

var ownModels = setOf(
	// age modifier
	"fran", "styleganex_age",
	// background remover
	"ben_2", "birefnet_general", "birefnet_portrait", "corridor_key_1024", "corridor_key_2048", "isnet_general", "modnet", "ormbg",
	"rmbg_1.4", "rmbg_2.0", "silueta", "u2net_cloth", "u2net_general", "u2net_human", "u2netp",
	// expression restorer, face editor
	"live_portrait",
	// face enhancer
	"codeformer", "gfpgan_1.2", "gfpgan_1.3", "gfpgan_1.4", "gpen_bfr_256", "gpen_bfr_512", "gpen_bfr_1024", "gpen_bfr_2048",
	"restoreformer_plus_plus",
	// face swapper
	"blendswap_256", "ghost_1_256", "ghost_2_256", "ghost_3_256", "hififace_unofficial_256", "hyperswap_1a_256", "hyperswap_1b_256",
	"hyperswap_1c_256", "inswapper_128", "inswapper_128_fp16", "simswap_256", "simswap_unofficial_512", "uniface_256",
	// frame colorizer
	"ddcolor", "ddcolor_artistic", "deoldify", "deoldify_artistic", "deoldify_stable",
	// frame enhancer
	"clear_reality_x4", "face_dat_x4", "lsdir_x4", "nomos8k_sc_x4", "real_esrgan_x2", "real_esrgan_x2_fp16", "real_esrgan_x4",
	"real_esrgan_x4_fp16", "real_esrgan_x8", "real_esrgan_x8_fp16", "real_hatgan_x4", "real_web_photo_x4", "realistic_rescaler_x4",
	"remacri_x4", "siax_x4", "span_kendata_x4", "swin2_sr_x4", "tghq_face_x8", "ultra_sharp_2_x4", "ultra_sharp_x4",
	// lip syncer
	"edtalk_256", "wav2lip_96", "wav2lip_gan_96",
)

func setOf(names ...string) map[string]struct{} {
	set := make(map[string]struct{}, len(names))
	for _, name := range names {
		set[name] = struct{}{}
	}
	return set
}
