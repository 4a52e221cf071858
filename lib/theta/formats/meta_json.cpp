#include "theta/formats/meta_json.hpp"

namespace toptheta {

nlohmann::ordered_json json_from(const TableMeta& meta) {
  nlohmann::ordered_json json;
  json["num_layers"] = meta.shape.num_layers;
  json["num_heads"] = meta.shape.num_heads;
  json["num_kv_heads"] = meta.shape.num_kv_heads;
  json["head_dim"] = meta.shape.head_dim;
  json["model"] = meta.model;
  json["placement"] = name_of(meta.placement);
  json["estimator"] = meta.estimator;
  json["add_sigma"] = meta.add_sigma;
  json["topk_at_calibration"] = meta.topk_at_calibration;
  json["row_fraction"] = meta.row_fraction;
  if (meta.length_bins > 0) json["length_bins"] = meta.length_bins;
  if (meta.kept.first > 0) json["keep_first"] = meta.kept.first;
  if (meta.kept.recent > 0) json["keep_recent"] = meta.kept.recent;
  return json;
}

}  // namespace toptheta
