#include "model/config.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;
using Json = nlohmann::json;

namespace {

// The least that a configuration must say.
Json least() {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"hidden_size", 64},
          {"intermediate_size", 172},
          {"num_hidden_layers", 5},
          {"num_attention_heads", 8},
          {"vocab_size", 512},
          {"max_position_embeddings", 256}};
}

Json with(const Json& changes) {
  Json json = least();
  for (const auto& [key, value] : changes.items())
    json[key] = value;
  return json;
}

ModelConfig read_text(const std::string& text) {
  const testing::TempDir dir;
  const auto directory = dir.path("tiny");
  std::filesystem::create_directory(directory);
  std::ofstream(directory / "config.json") << text;
  return read_config(directory / "config.json");
}

ModelConfig read(const Json& json) {
  return read_text(json.dump());
}

Problem problem_of_text(const std::string& text) {
  try {
    read_text(text);
  } catch (const InputError& error) {
    return error.problem();
  }
  return {.where = "no error"};
}

Problem problem_of(const Json& json) {
  return problem_of_text(json.dump());
}

bool names(const Problem& problem, const std::string& field) {
  const std::string end = "tiny/config.json:" + field;
  return problem.where.size() >= end.size() &&
         problem.where.compare(problem.where.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

TEST_CASE("a configuration's defaults are Hugging Face's", "[model]") {
  const ModelConfig config = read(least());
  CHECK(config.name == "tiny");
  CHECK(config.family == "llama");
  CHECK(config.shape == ModelShape{5, 8, 8, 8});
  CHECK(config.hidden_size == 64);
  CHECK(config.ffn_size == 172);
  CHECK(config.vocab_size == 512);
  CHECK(config.context == 256);
  CHECK(config.norms.eps == 1e-6);
  CHECK(config.ropes.front().theta == 10000);
  CHECK(config.ropes.front().scaling.kind == RopeScaling::Kind::none);
  CHECK_FALSE(config.tied_embeddings);
  CHECK(config.tensors.query.bias.empty());
  CHECK(config.tensors.up.bias.empty());
  CHECK(config.unused.empty());
  CHECK_FALSE(config.bos_token.has_value());
  CHECK(config.eos_tokens.empty());
}

TEST_CASE("a configuration says what it says", "[model]") {
  const ModelConfig config = read(with({{"num_key_value_heads", 2},
                                        {"head_dim", 16},
                                        {"rms_norm_eps", 1e-5},
                                        {"rope_theta", 500000},
                                        {"tie_word_embeddings", true},
                                        {"attention_bias", true},
                                        {"mlp_bias", true},
                                        {"bos_token_id", 0},
                                        {"eos_token_id", {2, 511}},
                                        {"rope_scaling", nullptr}}));
  CHECK(config.shape == ModelShape{5, 8, 2, 16});
  CHECK(config.norms.eps == 1e-5);
  CHECK(config.ropes.front().theta == 500000);
  CHECK(config.tied_embeddings);
  CHECK(config.tensors.query.bias == "model.layers.{}.self_attn.q_proj.bias");
  CHECK(config.tensors.output.bias == "model.layers.{}.self_attn.o_proj.bias");
  CHECK(config.tensors.up.bias == "model.layers.{}.mlp.up_proj.bias");
  CHECK(config.bos_token == 0);
  CHECK(config.eos_tokens == std::vector<std::int32_t>{2, 511});
  CHECK(read(with({{"eos_token_id", 7}})).eos_tokens == std::vector<std::int32_t>{7});
}

TEST_CASE("model_type alone tells the architecture", "[model]") {
  Json json = with({{"model_type", "llama"}});
  json.erase("architectures");
  CHECK(read(json).family == "llama");
}

TEST_CASE("rotary scaling in its three spellings", "[model]") {
  const Json llama3 = {{"rope_type", "llama3"},
                       {"factor", 8.0},
                       {"low_freq_factor", 1.0},
                       {"high_freq_factor", 4.0},
                       {"original_max_position_embeddings", 8192}};
  const RopeScaling scaling = read(with({{"rope_scaling", llama3}})).ropes.front().scaling;
  CHECK(scaling.kind == RopeScaling::Kind::llama3);
  CHECK(scaling.factor == 8);
  CHECK(scaling.low_freq_factor == 1);
  CHECK(scaling.high_freq_factor == 4);
  CHECK(scaling.original_context == 8192);

  const ModelConfig old = read(with({{"rope_scaling", {{"type", "linear"}, {"factor", 2}}}}));
  CHECK(old.ropes.front().scaling.kind == RopeScaling::Kind::linear);
  CHECK(old.ropes.front().scaling.factor == 2);

  Json parameters = llama3;
  parameters["rope_theta"] = 500000.0;
  const ModelConfig newer = read(with({{"rope_parameters", parameters}}));
  CHECK(newer.ropes.front().theta == 500000);
  CHECK(newer.ropes.front().scaling.kind == RopeScaling::Kind::llama3);
  CHECK(read(with({{"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 5.0}}}}))
            .ropes.front()
            .theta == 5);
}

TEST_CASE("a missing field is named", "[model]") {
  for (const std::string field : {"hidden_size", "intermediate_size", "num_hidden_layers",
                                  "num_attention_heads", "vocab_size", "max_position_embeddings"}) {
    CAPTURE(field);
    Json json = least();
    json.erase(field);
    const Problem problem = problem_of(json);
    CHECK(names(problem, field));
    CHECK(problem.what == "missing field");
  }
}

TEST_CASE("impossible and unknown values are refused by name", "[model]") {
  struct Case {
    std::string field;  // where the problem is
    Json changes;
  };
  const Json llama3 = {{"rope_type", "llama3"},
                       {"factor", 8},
                       {"low_freq_factor", 4},
                       {"high_freq_factor", 4},
                       {"original_max_position_embeddings", 8192}};
  const Json linear = {{"rope_type", "linear"}, {"factor", 2}};
  const std::vector<Case> cases = {
      {"architectures", {{"architectures", {"T5ForConditionalGeneration"}}}},
      {"architectures", {{"architectures", {"LlamaForCausalLM", "LlamaForCausalLM"}}}},
      {"architectures", {{"architectures", 3}}},
      {"model_type", {{"model_type", "mistral"}}},
      {"model_type", {{"model_type", 1}}},
      {"model_type", {{"architectures", nullptr}}},
      {"hidden_act", {{"hidden_act", "quick_gelu"}}},
      {"quantization_config", {{"quantization_config", {{"bits", 4}}}}},
      {"partial_rotary_factor", {{"partial_rotary_factor", 0.4}}},
      {"partial_rotary_factor", {{"partial_rotary_factor", 2}}},
      {"hidden_size", {{"hidden_size", 0}}},
      {"hidden_size", {{"hidden_size", 64.5}}},
      {"hidden_size", {{"hidden_size", "64"}}},
      {"hidden_size", {{"hidden_size", 18446744073709551615U}}},
      {"hidden_size", {{"hidden_size", 65}}},
      {"intermediate_size", {{"intermediate_size", -1}}},
      {"num_hidden_layers", {{"num_hidden_layers", 100000000}}},
      {"num_key_value_heads", {{"num_key_value_heads", 3}}},
      {"head_dim", {{"head_dim", 7}}},
      {"head_dim", {{"num_attention_heads", 64}, {"hidden_size", 192}}},
      {"vocab_size", {{"vocab_size", 3000000000}}},
      {"rms_norm_eps", {{"rms_norm_eps", 0}}},
      {"rope_theta", {{"rope_theta", "big"}}},
      {"tie_word_embeddings", {{"tie_word_embeddings", 1}}},
      {"bos_token_id", {{"bos_token_id", 512}}},
      {"eos_token_id[1]", {{"eos_token_id", {1, -1}}}},
      {"eos_token_id", {{"eos_token_id", "</s>"}}},
      {"rope_scaling", {{"rope_scaling", "linear"}}},
      {"rope_scaling.rope_type", {{"rope_scaling", {{"rope_type", "spiral"}, {"factor", 2}}}}},
      {"rope_scaling.type", {{"rope_scaling", {{"type", "spiral"}, {"factor", 2}}}}},
      {"rope_scaling.rope_type", {{"rope_scaling", {{"factor", 4}}}}},
      {"rope_scaling.rope_type",
       {{"rope_scaling", {{"type", "linear"}, {"rope_type", "yarn"}, {"factor", 2}}}}},
      {"rope_scaling.factor", {{"rope_scaling", {{"type", "linear"}}}}},
      {"rope_scaling.factor", {{"rope_scaling", {{"type", "linear"}, {"factor", -2}}}}},
      {"rope_scaling.low_freq_factor", {{"rope_scaling", {{"type", "llama3"}, {"factor", 8}}}}},
      {"rope_scaling.high_freq_factor", {{"rope_scaling", llama3}}},
      {"rope_scaling.original_max_position_embeddings",
       {{"original_max_position_embeddings", 32},
        {"rope_scaling", {{"type", "yarn"}, {"factor", 4}, {"original_max_position_embeddings", 16}}}}},
      {"rope_parameters", {{"rope_scaling", linear}, {"rope_parameters", linear}}},
      {"rope_parameters.short_factor", {{"rope_parameters", {{"rope_type", "longrope"}}}}},
      {"rope_parameters.rope_theta", {{"rope_theta", 5}, {"rope_parameters", {{"rope_theta", 6}}}}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.field, c.changes.dump());
    const Problem problem = problem_of(with(c.changes));
    CAPTURE(problem.where, problem.what);
    CHECK(names(problem, c.field));
    CHECK_FALSE(problem.what.empty());
    CHECK_FALSE(problem.found.empty());
  }
}

TEST_CASE("fields that nothing uses are listed, those that are known to change nothing are not", "[model]") {
  const ModelConfig config =
      read(with({{"use_cache", true},
                 {"torch_dtype", "bfloat16"},
                 {"new_arithmetic", 3},
                 {"rope_scaling", {{"type", "linear"}, {"factor", 2}, {"twist", 1}}}}));
  REQUIRE(config.unused.size() == 2);
  CHECK(config.unused[0].find("tiny/config.json:new_arithmetic") != std::string::npos);
  CHECK(config.unused[1].find("rope_scaling.twist") != std::string::npos);
}

TEST_CASE("windows: of every layer, by layer type, above a layer, or given but not used", "[model]") {
  const auto windows = [](const Json& changes) {
    std::vector<std::int64_t> sizes;
    for (const LayerKind& layer : read(with(changes)).layers)
      sizes.push_back(layer.window);
    return sizes;
  };
  using Sizes = std::vector<std::int64_t>;
  const Json mistral = {"MistralForCausalLM"};
  const Json qwen = {"Qwen2ForCausalLM"};
  CHECK(windows({{"architectures", mistral}, {"sliding_window", 9}}) == Sizes(5, 9));
  CHECK(windows({{"architectures", mistral}, {"sliding_window", nullptr}}) == Sizes(5, 0));
  CHECK(windows({{"architectures", mistral}}) == Sizes(5, 4096));
  CHECK(windows({{"architectures", qwen}, {"sliding_window", 9}, {"max_window_layers", 3}}) == Sizes(5, 0));
  CHECK(windows({{"architectures", qwen},
                 {"sliding_window", 9},
                 {"use_sliding_window", true},
                 {"max_window_layers", 3}}) == Sizes{0, 0, 0, 9, 9});
  const std::string full = "full_attention";
  const std::string sliding = "sliding_attention";
  CHECK(windows({{"architectures", {"Gemma2ForCausalLM"}},
                 {"sliding_window", 7},
                 {"layer_types", {full, sliding, full, full, sliding}}}) == Sizes{0, 7, 0, 0, 7});
  CHECK(names(problem_of(with({{"architectures", {"Gemma2ForCausalLM"}}, {"layer_types", {full}}})),
              "layer_types"));
}

TEST_CASE("a list of layer types that a family does not follow is named", "[model]") {
  const std::string full = "full_attention";
  const std::string sliding = "sliding_attention";
  const Json mistral = {{"architectures", {"MistralForCausalLM"}}, {"sliding_window", 7}};
  const auto with_types = [&](const std::vector<std::string>& types) {
    Json changes = mistral;
    changes["layer_types"] = types;
    return with(changes);
  };
  const ModelConfig other = read(with_types({full, sliding, full, full, sliding}));
  for (const LayerKind& layer : other.layers)
    CHECK(layer.window == 7);
  REQUIRE(other.unused.size() == 1);
  CHECK(other.unused.front().find("tiny/config.json:layer_types") != std::string::npos);
  CHECK(read(with_types(std::vector<std::string>(5, sliding))).unused.empty());
  CHECK(names(problem_of(with_types({full})), "layer_types"));
  CHECK(names(problem_of(with_types(std::vector<std::string>(5, "chunked_attention"))), "layer_types"));
}

TEST_CASE("a dynamic scaling stretches the context", "[model]") {
  const Json dynamic = {{"rope_type", "dynamic"}, {"factor", 4.0}};
  const ModelConfig config = read(with({{"rope_scaling", dynamic}}));
  CHECK(config.context == 1024);
  CHECK(config.ropes.front().scaling.original_context == 256);
  // Which of two contexts counts is nowhere agreed upon: transformers takes that of the model.
  Json other = dynamic;
  other["original_max_position_embeddings"] = 32;
  const ModelConfig two = read(with({{"rope_scaling", other}}));
  CHECK(two.ropes.front().scaling.original_context == 256);
  CHECK(two.unused.size() == 1);
  CHECK(read(with({{"rope_scaling", {{"rope_type", "linear"}, {"factor", 4.0}}}})).context == 256);
}

TEST_CASE("bases of rotary embeddings that a file leaves out", "[model]") {
  const auto bases = [](const Json& changes) {
    std::vector<double> thetas;
    for (const Rope& rope : read(with(changes)).ropes)
      thetas.push_back(rope.theta);
    return thetas;
  };
  using Bases = std::vector<double>;
  CHECK(bases({{"architectures", {"SmolLM3ForCausalLM"}}}) == Bases{2e6});
  CHECK(bases({{"architectures", {"Olmo3ForCausalLM"}}}) == Bases{5e5, 5e5});
  CHECK(bases({{"architectures", {"Gemma3ForCausalLM"}}}) == Bases{1e6, 1e4});
  // By layer type, but only one of the two: the other is the family's own, and not scaled.
  const Json full = {{"full_attention", {{"rope_type", "linear"}, {"factor", 8.0}, {"rope_theta", 7.0}}}};
  const Json gemma3 = {{"architectures", {"Gemma3ForCausalLM"}}, {"rope_parameters", full}};
  CHECK(bases(gemma3) == Bases{7, 1e4});
  const ModelConfig config = read(with(gemma3));
  CHECK(config.layers.front().rope == 1);
  CHECK(config.ropes.back().scaling.kind == RopeScaling::Kind::none);
  CHECK(names(problem_of(with({{"architectures", {"Gemma2ForCausalLM"}}, {"rope_parameters", full}})),
              "rope_parameters.sliding_attention"));
}

TEST_CASE("activations under several names", "[model]") {
  const auto activation = [](const Json& changes) { return read(with(changes)).ffn.activation; };
  for (const char* name : {"gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_accurate"})
    CHECK(activation({{"hidden_act", name}}) == Activation::gelu_tanh);
  CHECK(activation({{"hidden_act", "gelu_python"}}) == Activation::gelu_erf);
  const Json gemma = {"GemmaForCausalLM"};
  CHECK(activation({{"architectures", gemma}}) == Activation::gelu_tanh);
  CHECK(activation({{"architectures", gemma}, {"hidden_act", "gelu"}}) == Activation::gelu_tanh);
  CHECK(activation({{"architectures", gemma}, {"hidden_act", "gelu_python"}}) == Activation::gelu_erf);
  CHECK(names(problem_of(with({{"architectures", gemma}, {"hidden_activation", "relu"}})),
              "hidden_activation"));
  CHECK(activation(
            {{"architectures", gemma}, {"hidden_act", "gelu"}, {"hidden_activation", "gelu_pytorch_tanh"}}) ==
        Activation::gelu_tanh);
  CHECK(names(
      problem_of(with({{"architectures", gemma}, {"hidden_act", "gelu"}, {"hidden_activation", "relu"}})),
      "hidden_activation"));
}

TEST_CASE("a soft cap that transformers does not apply in Gemma 3 is named", "[model]") {
  const ModelConfig config = read(with({{"architectures", {"Gemma3ForCausalLM"}},
                                        {"attn_logit_softcapping", 5.0},
                                        {"final_logit_softcapping", 3.0}}));
  CHECK(config.score_cap == 0);
  CHECK(config.logit_cap == 3);
  REQUIRE(config.unused.size() == 1);
  CHECK(config.unused.front().find("attn_logit_softcapping") != std::string::npos);
}

TEST_CASE("layers of SmolLM3 without positions, of a list that may be longer than the model", "[model]") {
  const Json smollm3 = {"SmolLM3ForCausalLM"};
  const ModelConfig config =
      read(with({{"architectures", smollm3}, {"no_rope_layers", {0, 1, 1, 0, 1, 0, 0}}}));
  std::vector<std::int64_t> ropes;
  for (const LayerKind& layer : config.layers)
    ropes.push_back(layer.rope);
  CHECK(ropes == std::vector<std::int64_t>{-1, 0, 0, -1, 0});
  CHECK(names(problem_of(with({{"architectures", smollm3}, {"no_rope_layers", {0, 1}}})), "no_rope_layers"));
}

TEST_CASE("what is not JSON, or no object, is refused", "[model]") {
  const std::vector<std::string> texts = {"", "{", "[]", "3", "{\"hidden_size\": 1e999}", "\xff\xfe{}"};
  for (const std::string& text : texts) {
    CAPTURE(text);
    CHECK(problem_of_text(text).where.find("tiny/config.json") != std::string::npos);
  }
}

TEST_CASE("a value nested a hundred thousand deep is refused like any other", "[model]") {
  std::string text = with({{"vocab_size", "deep"}}).dump();
  text.replace(text.find("\"deep\""), 6, std::string(100000, '[') + std::string(100000, ']'));
  CHECK(problem_of_text(text).where.find("tiny/config.json") != std::string::npos);
}

TEST_CASE("a configuration that is not there is an input error", "[model]") {
  const testing::TempDir dir;
  CHECK_THROWS_AS(read_config(dir.path("config.json")), InputError);
  CHECK_THROWS_AS(read_config(dir.root()), InputError);
}
