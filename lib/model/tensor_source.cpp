#include "model/tensor_source.hpp"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>

#include "core/error.hpp"
#include "io/regular_file.hpp"
#include "io/safetensors.hpp"
#include "kernels/rows/widen.hpp"
#include "model/gguf_model.hpp"

namespace toptheta {

namespace {

// `count` elements of `bytes` from element `first` on. They are copied only if they are not aligned in
// memory; in most files they are.
template <class Element>
std::span<const Element> elements_of(std::span<const std::byte> bytes, std::int64_t first,
                                     std::int64_t count) {
  const auto size = static_cast<std::size_t>(count);
  const std::byte* const from = bytes.data() + static_cast<std::size_t>(first) * sizeof(Element);
  if (reinterpret_cast<std::uintptr_t>(from) % alignof(Element) == 0)
    return {reinterpret_cast<const Element*>(from), size};
  thread_local std::vector<Element> copy;
  copy.resize(size);
  std::memcpy(copy.data(), from, size * sizeof(Element));
  return copy;
}

class SafetensorsSource : public TensorSource {
 public:
  explicit SafetensorsSource(SafetensorsSet files) : files_(std::move(files)) {
    for (const std::string& name : files_.names()) {
      const Tensor& tensor = *files_.find(name);
      sources_.emplace(name,
                       SourceTensor{name, tensor.shape, tensor.type_name, tensor.where, tensors_.size()});
      tensors_.push_back(&tensor);
    }
  }

  [[nodiscard]] const SourceTensor* find(std::string_view name) const override {
    const auto found = sources_.find(name);
    return found == sources_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] std::vector<std::string> names() const override { return files_.names(); }
  [[nodiscard]] const std::string& where() const override { return files_.where(); }

  [[nodiscard]] bool read_rows(const SourceTensor& tensor, std::int64_t first, std::int64_t count,
                               float* out) const override {
    const Tensor& from = *tensors_[tensor.index];
    const std::int64_t begin = first * tensor.row_size();
    const std::int64_t size = count * tensor.row_size();
    const std::span<float> to{out, static_cast<std::size_t>(size)};
    const bool finite = widen(from, begin, size, to);
    // Pages that have been read are not needed again. Giving them back keeps the memory of loading down to
    // that of the model's own weights. Small pieces are not worth the call.
    constexpr std::int64_t kWorthReleasing = 1 << 15;
    if (size >= kWorthReleasing) from.release(begin, size);
    return finite;
  }

 private:
  static bool widen(const Tensor& from, std::int64_t begin, std::int64_t size, std::span<float> to) {
    switch (from.type) {
      case TensorType::f32:
        return copy_f32(elements_of<float>(from.data, begin, size), to).finite;
      case TensorType::f16:
        return widen_f16(elements_of<std::uint16_t>(from.data, begin, size), to).finite;
      case TensorType::bf16:
        return widen_bf16(elements_of<std::uint16_t>(from.data, begin, size), to).finite;
      default:
        throw InputError({.where = from.where,
                          .what = "the tensor's type cannot be used as floating-point numbers",
                          .expected = "F32, F16 or BF16",
                          .found = from.type_name});
    }
  }

  SafetensorsSet files_;
  std::map<std::string, SourceTensor, std::less<>> sources_;
  std::vector<const Tensor*> tensors_;  // by SourceTensor::index
};

bool is_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

[[noreturn]] void refuse_file(const std::filesystem::path& path) {
  throw InputError({.where = path.string(),
                    .what = "not a model",
                    .expected =
                        "a directory with config.json and model.safetensors, a .safetensors file with "
                        "its config.json beside it, or a .gguf file",
                    .found = fmt::format("a file that ends in '{}'", path.extension().string()),
                    .next = "give the model's directory"});
}

// A directory that is no model of Hugging Face, but may hold one of llama.cpp.
void require_config(const std::filesystem::path& directory) {
  std::error_code ignored;
  if (std::filesystem::exists(directory / "config.json", ignored)) return;
  std::string gguf;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored))
    if (entry.path().extension() == ".gguf" && (gguf.empty() || entry.path().string() < gguf))
      gguf = entry.path().string();
  throw InputError({.where = directory.string(),
                    .what = "not a model: there is no config.json",
                    .expected = "a directory with config.json and model.safetensors, or a .gguf file",
                    .next = gguf.empty() ? "give the model's directory" : "name the file itself: " + gguf});
}

}  // namespace

bool TensorSource::read_codes(const SourceTensor& tensor, std::int64_t, std::int64_t,
                              const CodedRows&) const {
  throw std::logic_error("no codes: " + tensor.where);
}

std::filesystem::path model_directory(const std::filesystem::path& path) {
  return is_file(path) ? std::filesystem::absolute(path).parent_path() : path;
}

ModelFiles open_model(const std::filesystem::path& path) {
  if (is_gguf(path)) return open_gguf(path);
  if (is_file(path) && path.extension() != ".safetensors") refuse_file(path);
  if (!std::filesystem::is_directory(path)) require_regular_file(path);
  require_config(model_directory(path));
  ModelConfig config = read_config(model_directory(path) / "config.json");
  // Other programs add an adapter that is in the model's directory to its weights; this one does not.
  for (const char* name : {"adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"})
    if (const auto adapter = model_directory(path) / name; is_file(adapter))
      config.unused.push_back(adapter.string());
  return {std::move(config), std::make_unique<SafetensorsSource>(SafetensorsSet(path))};
}

}  // namespace toptheta
