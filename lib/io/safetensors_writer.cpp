#include <algorithm>
#include <cassert>
#include <nlohmann/json.hpp>

#include "io/atomic_file.hpp"
#include "io/safetensors.hpp"
#include "io/tensor_type.hpp"

namespace toptheta {

namespace {

std::string_view name_of(TensorType type) {
  const auto info = std::find_if(kTensorTypes.begin(), kTensorTypes.end(),
                                 [type](const TensorTypeInfo& known) { return known.type == type; });
  return info->name;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::vector<TensorToWrite>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::size_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    assert(tensor.type != TensorType::other && !header.contains(tensor.name));
    header[tensor.name] = {{"dtype", name_of(tensor.type)},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, offset + tensor.data.size()}}};
    offset += tensor.data.size();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // data aligned to 8 bytes, as the format recommends
  const std::uint64_t length = text.size();
  AtomicFile file(path);
  file.write(as_text(std::as_bytes(std::span(&length, 1))));
  file.write(text);
  for (const TensorToWrite& tensor : tensors)
    file.write(as_text(tensor.data));
  file.commit();
}

}  // namespace toptheta
