// Where weights come from: named tensors, read a few rows at a time and widened to float on the way, so that
// a checkpoint is never in memory as a whole beside the model that is made of it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/linear/coded_panel.hpp"
#include "model/config.hpp"

namespace toptheta {

struct SourceTensor {
  std::string name;
  std::vector<std::int64_t> shape;  // row-major, the outermost first
  std::string type;                 // as the file calls it: "BF16", "Q4_K"
  std::string where;                // "model.safetensors: tensor 'lm_head.weight'", for messages
  std::size_t index = 0;            // the source's own

  // A row is what lies along the last dimension; a vector is one row.
  [[nodiscard]] std::int64_t row_size() const { return shape.empty() ? 1 : shape.back(); }
};

class TensorSource {
 public:
  TensorSource() = default;
  TensorSource(const TensorSource&) = delete;
  TensorSource& operator=(const TensorSource&) = delete;
  virtual ~TensorSource() = default;

  [[nodiscard]] virtual const SourceTensor* find(std::string_view name) const = 0;  // or null
  [[nodiscard]] virtual std::vector<std::string> names() const = 0;                 // ascending
  // The file, for messages about tensors that are not there.
  [[nodiscard]] virtual const std::string& where() const = 0;
  // Writes `count` rows from `first` on to out [count, row_size()]; returns whether all are finite numbers.
  // May be called from several threads at once. Throws InputError on a type that is no float.
  [[nodiscard]] virtual bool read_rows(const SourceTensor& tensor, std::int64_t first, std::int64_t count,
                                       float* out) const = 0;
  // Where the tensor is stored as small integers with a scale, and perhaps an offset, for some of them: for
  // how many, 16 or 32. Else 0.
  [[nodiscard]] virtual std::int64_t code_group(const SourceTensor& /*tensor*/) const { return 0; }
  // The same rows as those integers, of a tensor that has a code_group; to.group may be a part of it. Returns
  // whether all scales and offsets are finite.
  [[nodiscard]] virtual bool read_codes(const SourceTensor& tensor, std::int64_t first, std::int64_t count,
                                        const CodedRows& to) const;
};

// A model's files, opened: what it computes, and its tensors.
struct ModelFiles {
  ModelConfig config;
  std::unique_ptr<TensorSource> tensors;
};

// A Hugging Face directory (config.json and model.safetensors, or model.safetensors.index.json and its
// shards), one .safetensors file with a config.json beside it, or a GGUF file (model/gguf_model.hpp). Reads
// no weights yet. Throws InputError as read_config and the readers of weights do, and on a path that is
// neither.
ModelFiles open_model(const std::filesystem::path& path);

// The directory in which the model's other files lie (tokenizer.json, generation_config.json).
std::filesystem::path model_directory(const std::filesystem::path& path);

}  // namespace toptheta
