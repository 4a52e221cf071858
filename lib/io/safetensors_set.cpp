#include <fmt/format.h>

#include "core/error.hpp"
#include "io/json_reader.hpp"
#include "io/safetensors.hpp"

namespace toptheta {

namespace {

// The shard of each tensor, from the index.
std::map<std::string, std::string> parse_index(const std::filesystem::path& path) {
  const JsonValue index = read_json_file(path);
  if (!index.is_object() || !index.has("weight_map"))
    throw InputError(
        {.where = path.string(), .what = "no weight_map that says which shard holds each tensor"});
  std::map<std::string, std::string> shards;
  for (const auto& [name, shard] : index.at("weight_map").members()) {
    // A shard must be in the same directory: a downloaded index must not lead to files elsewhere.
    if (shard.text().empty() || shard.text().find('/') != std::string::npos)
      shard.fail("not the name of a file in this directory");
    shards.emplace(name, shard.text());
  }
  return shards;
}

}  // namespace

SafetensorsSet::SafetensorsSet(const std::filesystem::path& path) {
  std::error_code ignored;
  const bool is_file = std::filesystem::is_regular_file(path, ignored);
  const std::filesystem::path single = is_file ? path : path / "model.safetensors";
  const std::filesystem::path index = path / "model.safetensors.index.json";
  if (std::filesystem::exists(single, ignored)) {
    where_ = single.string();
    files_.emplace_back(single);
    for (const Tensor& tensor : files_.front().tensors())
      tensors_.emplace(tensor.name, &tensor);
  } else if (std::filesystem::exists(index, ignored)) {
    where_ = index.string();
    add_shards(index);
  } else {
    throw InputError({.where = path.string(),
                      .what = std::filesystem::is_directory(path, ignored) ? "no weights in this directory"
                                                                           : "no such directory",
                      .expected = "model.safetensors, or model.safetensors.index.json and its shards"});
  }
}

void SafetensorsSet::add_shards(const std::filesystem::path& index) {
  const std::map<std::string, std::string> shards = parse_index(index);
  std::map<std::string, std::size_t> opened;  // shard -> position in files_
  for (const auto& [name, shard] : shards) {
    const auto [entry, is_new] = opened.emplace(shard, files_.size());
    if (is_new) files_.emplace_back(index.parent_path() / shard);
    const Tensor* tensor = files_[entry->second].find(name);
    if (tensor == nullptr) {
      throw InputError({.where = (index.parent_path() / shard).string(),
                        .what = fmt::format("tensor '{}' is missing", name),
                        .expected = "the tensors that " + index.filename().string() + " lists"});
    }
    tensors_.emplace(name, tensor);
  }
  add_unlisted(index);
}

// Other programs read whole shards, whatever the index says of them.
void SafetensorsSet::add_unlisted(const std::filesystem::path& index) {
  for (const SafetensorsFile& file : files_)
    for (const Tensor& tensor : file.tensors()) {
      const auto [entry, is_new] = tensors_.emplace(tensor.name, &tensor);
      if (is_new || entry->second == &tensor) continue;
      throw InputError(
          {.where = tensor.where,
           .what = "the tensor is in two shards",
           .expected = "each tensor once, in the shard that " + index.filename().string() + " names",
           .found = "another one in " + entry->second->where,
           .next = "take the one that does not belong to the model out of its shard"});
    }
}

const Tensor* SafetensorsSet::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : found->second;
}

std::vector<std::string> SafetensorsSet::names() const {
  std::vector<std::string> names;
  names.reserve(tensors_.size());
  for (const auto& entry : tensors_)
    names.push_back(entry.first);
  return names;
}

}  // namespace toptheta
