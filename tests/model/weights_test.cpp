#include "model/weights.hpp"

#include <filesystem>
#include <limits>

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"
#include "support/tiny_llama.hpp"

using namespace toptheta;
using testing::TinyLlama;

namespace {

using Floats = std::vector<float>;

Weights loaded(const std::filesystem::path& directory, std::vector<std::string>* unused = nullptr) {
  ModelFiles files = open_model(directory);
  Weights weights = load_weights(*files.tensors, files.config);
  if (unused != nullptr) *unused = files.config.unused;
  return weights;
}

Problem problem_of_loading(const std::filesystem::path& directory) {
  try {
    loaded(directory);
  } catch (const InputError& error) {
    return error.problem();
  }
  return {.where = "no error"};
}

Problem problem_of(const TinyLlama& tiny) {
  const testing::TempDir dir;
  tiny.write(dir.root());
  return problem_of_loading(dir.root());
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TinyLlama filled(TinyLlama tiny = {}) {
  tiny.fill_tensors();
  return tiny;
}

}  // namespace

TEST_CASE("weights that fit are loaded, in products", "[model]") {
  const testing::TempDir dir;
  const TinyLlama tiny = filled();
  tiny.write(dir.root());
  const Weights weights = loaded(dir.root());
  CHECK(weights.embedding == tiny.tensors.at("model.embed_tokens.weight").values);
  CHECK(weights.final_norm.weight == tiny.tensors.at("model.norm.weight").values);
  REQUIRE(weights.layers.size() == 2);
  CHECK(weights.layers[1].ffn_norm.weight ==
        tiny.tensors.at("model.layers.1.post_attention_layernorm.weight").values);
  CHECK(weights.layers[0].query_key_value.out_features() == (4 + 2 * 2) * 6);
  CHECK(weights.layers[0].ffn.up.front().out_features() == 2 * 40);
  CHECK(weights.layers[0].ffn.down.front().in_features() == 40);
  CHECK(weights.head.out_features() == 50);
}

TEST_CASE("every missing tensor is named", "[model]") {
  const TinyLlama whole = filled({.attention_bias = true, .mlp_bias = true});
  for (const auto& entry : whole.tensors) {
    const std::string& name = entry.first;
    TinyLlama tiny = whole;
    tiny.tensors.erase(name);
    const Problem problem = problem_of(tiny);
    CAPTURE(name, problem.where);
    CHECK(mentions(problem.where, "model.safetensors"));
    CHECK(mentions(problem.where, "'" + name + "'"));
    CHECK(problem.what == "missing tensor");
  }
}

TEST_CASE("every wrongly shaped tensor is named, with both shapes", "[model]") {
  const TinyLlama whole = filled();
  for (const auto& entry : whole.tensors) {
    const std::string& name = entry.first;
    TinyLlama tiny = whole;
    testing::TinyTensor& tensor = tiny.tensors.at(name);
    tensor.shape.insert(tensor.shape.begin(), 1);  // same elements, another shape
    const Problem problem = problem_of(tiny);
    CAPTURE(name, problem.where);
    CHECK(mentions(problem.where, name));
    CHECK(problem.what == "wrong shape");
    CHECK(mentions(problem.found, "[1, "));
    CHECK(problem.expected == "[" + problem.found.substr(4));
  }
}

TEST_CASE("a bias that the configuration does not announce is refused", "[model]") {
  TinyLlama tiny = filled({.attention_bias = true});
  tiny.attention_bias = false;
  const Problem problem = problem_of(tiny);
  CHECK(mentions(problem.where, "model.layers.0.self_attn.k_proj.bias"));
  CHECK(mentions(problem.expected, "attention_bias"));
}

TEST_CASE("a truncated file is an input error, at any length", "[model]") {
  const testing::TempDir dir;
  filled().write(dir.root());
  const auto path = dir.path("model.safetensors");
  const auto size = std::filesystem::file_size(path);
  for (const std::uintmax_t length :
       {size - 1, size / 2, std::uintmax_t{100}, std::uintmax_t{8}, std::uintmax_t{0}}) {
    std::filesystem::resize_file(path, length);
    const Problem problem = problem_of_loading(dir.root());
    CAPTURE(length, problem.what);
    CHECK(mentions(problem.where, "model.safetensors"));
  }
  std::filesystem::remove(path);
  CHECK(mentions(problem_of_loading(dir.root()).where, dir.root().string()));
}

TEST_CASE("weights of a type that is no float are refused", "[model]") {
  const testing::TempDir dir;
  const TinyLlama tiny = filled();
  tiny.write(dir.root());
  std::vector<TensorToWrite> list;
  std::vector<std::vector<std::int32_t>> data;
  data.reserve(tiny.tensors.size());
  for (const auto& [name, tensor] : tiny.tensors) {
    data.emplace_back(tensor.values.size(), 1);
    list.push_back({name, TensorType::i32, tensor.shape, std::as_bytes(std::span(data.back()))});
  }
  write_safetensors(dir.path("model.safetensors"), list);
  CHECK(mentions(problem_of_loading(dir.root()).where, "model.embed_tokens.weight"));
}

TEST_CASE("a configuration of another model is found out before anything is allocated", "[model]") {
  TinyLlama tiny = filled();
  tiny.more_config = {{"hidden_size", 1 << 24}, {"vocab_size", 2147483647}};
  CHECK(problem_of(tiny).what == "wrong shape");
}

TEST_CASE("a weight that is no number is named, with its place", "[model]") {
  TinyLlama tiny = filled();
  tiny.tensors.at("model.layers.1.mlp.up_proj.weight").values[3 * 24 + 5] =
      std::numeric_limits<float>::quiet_NaN();
  const Problem problem = problem_of(tiny);
  CHECK(mentions(problem.where, "model.layers.1.mlp.up_proj.weight"));
  CHECK(mentions(problem.found, "row 3, column 5"));
}

TEST_CASE("tensors that would change the model are refused, others are listed", "[model]") {
  TinyLlama tiny = filled();
  tiny.tensors["model.layers.1.self_attn.q_norm.weight"] = {{6}, Floats(6, 1.0F)};
  CHECK(mentions(problem_of(tiny).where, "q_norm"));
  tiny = filled();
  tiny.tensors["model.layers.2.mlp.up_proj.weight"] = tiny.tensors.at("model.layers.1.mlp.up_proj.weight");
  CHECK(mentions(problem_of(tiny).what, "layer beyond"));
  tiny = filled();
  tiny.tensors["vision.patch.weight"] = {{2}, Floats(2, 1.0F)};
  tiny.tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = {{3}, Floats(3, 1.0F)};
  const testing::TempDir dir;
  tiny.write(dir.root());
  std::vector<std::string> unused;
  loaded(dir.root(), &unused);
  REQUIRE(unused.size() == 1);
  CHECK(mentions(unused.front(), "vision.patch.weight"));
}

TEST_CASE("a tied head of its own values is refused, the embedding's own is not", "[model]") {
  TinyLlama tiny = filled({.tied = true});
  tiny.tensors["lm_head.weight"] = tiny.tensors.at("model.embed_tokens.weight");
  CHECK(problem_of(tiny).where == "no error");
  tiny.tensors.at("lm_head.weight").values[7] += 0.5F;
  const Problem problem = problem_of(tiny);
  CHECK(mentions(problem.where, "lm_head.weight"));
  CHECK(mentions(problem.next, "tie_word_embeddings"));
}

TEST_CASE("one file of weights is a model too, where its configuration lies beside it", "[model]") {
  const testing::TempDir dir;
  const TinyLlama tiny = filled();
  tiny.write(dir.root());
  std::filesystem::rename(dir.path("model.safetensors"), dir.path("other.safetensors"));
  CHECK(loaded(dir.path("other.safetensors")).layers.size() == 2);
  CHECK(mentions(problem_of_loading(dir.path("config.json")).what, "not a model"));
}
