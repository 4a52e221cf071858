// The source of a model's weights: named tensors, read a few rows at a time and widened to float in the
// process. A checkpoint is therefore never held in memory as a whole beside the model that is made of it.
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
  std::string type;                 // as the file calls it, such as "BF16" or "Q4_K"
  std::string where;                // for messages: "model.safetensors: tensor 'lm_head.weight'"
  std::size_t index = 0;            // for the source's own use

  // The length of a row, which extends along the last dimension; a vector is one row.
  [[nodiscard]] std::int64_t row_size() const { return shape.empty() ? 1 : shape.back(); }
};

class TensorSource {
 public:
  TensorSource() = default;
  TensorSource(const TensorSource&) = delete;
  TensorSource& operator=(const TensorSource&) = delete;
  virtual ~TensorSource() = default;

  [[nodiscard]] virtual const SourceTensor* find(std::string_view name) const = 0;  // null if there is none
  [[nodiscard]] virtual std::vector<std::string> names() const = 0;                 // in ascending order
  // The file's name, for messages about missing tensors.
  [[nodiscard]] virtual const std::string& where() const = 0;
  // Writes the `count` rows from `first` on to out, [count, row_size()], and returns whether all are finite.
  // May be called from several threads at once. Throws InputError for a type that is not a floating-point
  // type.
  [[nodiscard]] virtual bool read_rows(const SourceTensor& tensor, std::int64_t first, std::int64_t count,
                                       float* out) const = 0;
  // For a tensor that is stored as small integers in groups with a common scale (and perhaps an offset): the
  // size of a group, 16 or 32. Else 0.
  [[nodiscard]] virtual std::int64_t code_group(const SourceTensor& /*tensor*/) const { return 0; }
  // Reads rows as those integers, from a tensor whose code_group() is not 0. to.group must divide it. Returns
  // whether all scales and offsets are finite.
  [[nodiscard]] virtual bool read_codes(const SourceTensor& tensor, std::int64_t first, std::int64_t count,
                                        const CodedRows& to) const;
};

// A model whose files have been opened: its configuration and its tensors.
struct ModelFiles {
  ModelConfig config;
  std::unique_ptr<TensorSource> tensors;
};

// Opens a Hugging Face directory (config.json and model.safetensors, or model.safetensors.index.json and its
// shards), a .safetensors file with a config.json beside it, or a GGUF file (model/gguf_model.hpp). Reads no
// weights yet. Throws InputError as read_config() and the readers of weights do, and for any other kind of
// path.
ModelFiles open_model(const std::filesystem::path& path);

// The directory that holds the model's other files (tokenizer.json, generation_config.json).
std::filesystem::path model_directory(const std::filesystem::path& path);

}  // namespace toptheta
