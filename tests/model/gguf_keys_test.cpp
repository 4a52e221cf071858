// What a GGUF file's keys and tensors mean, and which of them are refused or named.
#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "io/atomic_file.hpp"
#include "io/gguf.hpp"
#include "model/gguf_model.hpp"
#include "support/gguf_llama.hpp"

namespace toptheta {

using namespace testing;

TEST_CASE("GGUF models that cannot be computed are refused by key or tensor, and unknown keys are named") {
  const testing::TempDir dir;
  TinyLlama tiny;
  tiny.fill_tensors();
  const std::string file = dir.path("x.gguf").string();
  const auto problem = [&](const std::function<void(GgufBytes&)>& change) {
    return refused_model(dir, change, tiny);
  };
  CHECK(problem([](GgufBytes& g) { g.whole("split.count", 2); }).where == file + ": key 'split.count'");
  CHECK(problem([](GgufBytes& g) { g.text("llama.rope.scaling.type", "spiral"); }).found == "spiral");
  for (const char* type : {"linear", "yarn", "longrope"})
    CHECK(problem([type](GgufBytes& g) {
            g.text("llama.rope.scaling.type", type);
          }).what.find("the file scales") == 0);
  CHECK(problem([](GgufBytes& g) {
          g.text("llama.rope.scaling.type", "none");
          g.number("llama.rope.scaling.factor", 4);
        }).found == "none, with a factor of 4");
  CHECK(problem([](GgufBytes& g) {
          g.number("llama.rope.scale_linear", 2);
          g.number("llama.rope.scaling.factor", 4);
        }).where == file + ": key 'llama.rope.scaling.factor'");
  CHECK(problem([](GgufBytes& g) { g.text("general.type", "adapter"); }).where ==
        file + ": key 'general.type'");
  CHECK(problem([](GgufBytes& g) { g.whole("split.no", 1); }).where == file + ": key 'split.no'");
  CHECK(problem([](GgufBytes& g) { g.whole("split.tensors.count", 900); }).where ==
        file + ": key 'split.tensors.count'");
  CHECK(problem([](GgufBytes& g) { g.whole("llama.vocab_size", 51); }).what.find("contradicts") == 0);
  CHECK(problem([](GgufBytes& g) { g.whole("llama.rope.dimension_count", 5); }).what == "impossible value");
  CHECK(problem([](GgufBytes& g) { g.whole("llama.rope.dimension_count", 8); }).what == "impossible value");
  CHECK(problem([](GgufBytes& g) { g.whole("tokenizer.ggml.bos_token_id", 50); }).what.find("no token") == 0);
  CHECK(problem([](GgufBytes& g) { g.whole("llama.expert_count", 4); }).where ==
        file + ": key 'llama.expert_used_count'");
  CHECK(problem([](GgufBytes& g) {
          g.whole("llama.expert_count", 4);
          g.whole("llama.expert_used_count", 2);
          g.whole("llama.expert_group_count", 2);
        }).where == file + ": key 'llama.expert_group_count'");
  CHECK(problem([](GgufBytes& g) {
          g.tensor("rope_freqs.weight", {2}, kPlainFloats, std::string(8, '\0'));
        }).where == file + ": tensor 'rope_freqs.weight'");
  TinyLlama lacking = tiny;
  lacking.tensors.erase("model.layers.1.self_attn.k_proj.weight");
  CHECK(refused_model(
            dir, [](GgufBytes&) {}, lacking)
            .where.find("blk.1.attn_k.weight") != std::string::npos);

  GgufBytes strange;
  strange.text("general.architecture", "mamba");
  write_file_atomically(dir.path("y.gguf"), strange.bytes());
  try {
    (void)open_model(dir.path("y.gguf"));
    FAIL("no InputError");
  } catch (const InputError& error) {
    CHECK(error.problem().found == "mamba");
    CHECK(error.problem().expected.find("gemma3") != std::string::npos);
  }

  GgufBytes more = gguf_of(tiny);
  more.number("llama.attention.wobble", 2);
  more.text("general.name", "harmless");
  write_file_atomically(dir.path("x.gguf"), more.bytes());
  CHECK(open_model(dir.path("x.gguf")).config.unused ==
        std::vector<std::string>{file + ": key 'llama.attention.wobble'"});
}

TEST_CASE("biases of RMS norms, which nothing adds, are refused in layers and named elsewhere") {
  const testing::TempDir dir;
  TinyLlama tiny;
  tiny.fill_tensors();
  const std::string file = dir.path("x.gguf").string();
  const auto bias = [&](GgufBytes& g, const char* name) {
    g.tensor(name, {static_cast<std::uint64_t>(tiny.hidden)}, kPlainFloats,
             bytes_of_floats(std::vector<float>(static_cast<std::size_t>(tiny.hidden), 1)));
  };
  CHECK(refused_model(
            dir, [&](GgufBytes& g) { bias(g, "blk.0.attn_norm.bias"); }, tiny)
            .where == file + ": tensor 'blk.0.attn_norm.bias'");
  GgufBytes gguf = gguf_of(tiny);
  bias(gguf, "output_norm.bias");
  write_file_atomically(dir.path("x.gguf"), gguf.bytes());
  const Transformer model = Transformer::load(dir.path("x.gguf"));
  CHECK(model.config().unused == std::vector<std::string>{file + ": tensor 'output_norm.bias'"});
}

TEST_CASE("what llama.cpp takes from the architecture is taken from the file where it says it") {
  const testing::TempDir dir;
  TinyLlama tiny;
  tiny.layers = 6;
  tiny.fill_tensors();
  const auto config = [&](const std::function<void(GgufBytes&)>& change) {
    GgufBytes gguf = gguf_of(tiny);
    change(gguf);
    write_file_atomically(dir.path("x.gguf"), gguf.bytes());
    return open_model(dir.path("x.gguf")).config;
  };
  const auto plain = config([](GgufBytes&) {});
  CHECK(std::all_of(plain.layers.begin(), plain.layers.end(),
                    [](const LayerKind& l) { return l.window == 0; }));
  CHECK(plain.ropes.front().theta == 10000);
  const auto window = config([](GgufBytes& g) { g.whole("llama.attention.sliding_window", 12); });
  CHECK(window.layers.front().window == 12);
  CHECK(window.layers.back().window == 12);
  const auto pattern = config([](GgufBytes& g) {
    g.whole("llama.attention.sliding_window", 12);
    g.whole("llama.attention.sliding_window_pattern", 3);
  });
  CHECK(pattern.layers[1].window == 12);
  CHECK(pattern.layers[2].window == 0);
  const auto yarn = config([](GgufBytes& g) {
    g.text("llama.rope.scaling.type", "yarn");
    g.number("llama.rope.scaling.factor", 4);
    g.whole("llama.rope.scaling.original_context_length", 32);
  });
  CHECK(yarn.ropes.front().scaling.attention_factor == Approx(0.1 * std::log(4) + 1));
  CHECK(yarn.ropes.front().scaling.original_context == 32);
}

TEST_CASE("scalings of GGUF files in which programs differ") {
  const testing::TempDir dir;
  TinyLlama tiny;
  tiny.fill_tensors();
  const auto changed = [&](const std::string& type, const std::function<void(GgufBytes&)>& change) {
    return [type, change](GgufBytes& g) {
      g.text("llama.rope.scaling.type", type);
      g.number("llama.rope.scaling.factor", 4);
      change(g);
    };
  };
  const auto rope = [&](const std::string& type, const std::function<void(GgufBytes&)>& change) {
    GgufBytes gguf = gguf_of(tiny);
    changed(type, change)(gguf);
    write_file_atomically(dir.path("x.gguf"), gguf.bytes());
    return open_model(dir.path("x.gguf")).config.ropes.front();
  };
  // A whole attention factor, as converters write it: right where it is the usual one.
  const auto attention = [](float factor) {
    return [=](GgufBytes& g) { g.number("llama.rope.scaling.yarn_attn_factor", factor); };
  };
  CHECK(rope("yarn", attention(1.1386294F)).scaling.attention_factor == Approx(0.1 * std::log(4) + 1));
  CHECK(refused_model(dir, changed("yarn", attention(1.2F)), tiny).found == "1.2000000476837158");
  // Longrope is nothing without its tensors of factors; beside them its factor divides all frequencies.
  CHECK(refused_model(dir, changed("longrope", [](GgufBytes&) {}), tiny).found == "longrope");
  const std::vector<float> factors(static_cast<std::size_t>(tiny.head_dim / 2), 3.0F);
  const Rope longrope = rope("longrope", [&](GgufBytes& g) {
    for (const char* name : {"rope_factors_short.weight", "rope_factors_long.weight"})
      g.tensor(name, {factors.size()}, kPlainFloats, bytes_of_floats(factors));
  });
  CHECK(longrope.scaling.kind == RopeScaling::Kind::longrope);
  CHECK(longrope.scaling.long_factors.front() == 12);
}

}  // namespace toptheta
