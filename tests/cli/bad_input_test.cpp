// What a user can get wrong: exit status, message, nothing on standard output, no output file.
#include <fstream>
#include <functional>
#include <limits>

#include "cli/world.hpp"
#include "dump/dump_file.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

struct BadCase {
  std::string command;
  int status;
  std::vector<std::string> fragments;  // of standard error
  std::function<void(const World&)> prepare{};
};

void check(const std::vector<BadCase>& cases) {
  const World world;
  (void)world.output("tt-calibrate fit --model model --text b.txt -k 8 -o theta.h5");
  (void)world.output("tt-calibrate fit --model other-model --text b.txt -k 8 -o other.h5");
  (void)world.output("tt-calibrate fit --model model --text b.txt -k 8 --placement post-softmax -o post.h5");
  for (const BadCase& bad : cases) {
    if (bad.prepare) bad.prepare(world);
    const Outcome outcome = world.run(bad.command);
    INFO(bad.command << "\n" << outcome.err);
    CHECK(outcome.status == bad.status);
    CHECK(outcome.out.empty());
    CHECK_FALSE(world.has("out.h5"));
    CHECK_FALSE(world.has("out.json"));
    CHECK(outcome.err.find(": error: ") != std::string::npos);
    for (const std::string& fragment : bad.fragments)
      CHECK(outcome.err.find(fragment) != std::string::npos);
  }
}

std::function<void(const World&)> dump_with(const DumpSpec& spec) {
  return [spec](const World& world) { write_dump(world.path("bad.h5"), spec); };
}

DumpSpec with_score(std::size_t index, float value) {
  DumpSpec spec;
  spec.fill = [=](hdf5::Group& layer) {
    std::vector<float> all = scores(6, 6);
    all[index] = value;
    write_floats(layer, "scores", {kHeads, 6, 6}, all);
  };
  return spec;
}

DumpSpec with_shape(const hdf5::Dims& dims) {
  DumpSpec spec;
  spec.fill = [=](hdf5::Group& layer) {
    std::int64_t size = 1;
    for (const std::int64_t n : dims)
      size *= n;
    write_floats(layer, "scores", dims, std::vector<float>(static_cast<std::size_t>(size), 1));
  };
  return spec;
}

// Writes a spoiled copy of the model.
std::function<void(const World&)> model_with(const std::function<void(const std::filesystem::path&)>& spoil) {
  return [spoil](const World& world) {
    std::filesystem::remove_all(world.path("bad-model"));
    world.copy_model("bad-model");
    spoil(world.path("bad-model"));
  };
}

std::function<void(const World&)> tiny_model_with(const std::function<void(TinyLlama&)>& change) {
  return model_with([change](const std::filesystem::path& directory) {
    TinyLlama model;
    model.vocab = 258;
    model.more_config = {{"bos_token_id", 256}, {"eos_token_id", 257}};
    model.fill_tensors();
    change(model);
    model.write(directory);
  });
}

void truncate_to(const std::filesystem::path& path, std::uintmax_t bytes) {
  std::filesystem::resize_file(path, bytes);
}

}  // namespace

TEST_CASE("bad dumps") {
  const std::string fit = "tt-calibrate fit bad.h5 -k 2 -o out.h5";
  const auto text = [](const std::string& content) {
    return [content](const World& world) { world.write("bad.h5", content); };
  };
  DumpSpec version;
  version.version = 2;
  DumpSpec format;
  format.format = "something else";
  DumpSpec content;
  content.content = "values";
  DumpSpec heads;
  heads.num_kv_heads = 3;
  DumpSpec layer;
  layer.layer = "2";
  DumpSpec said_bfloat16;
  said_bfloat16.fill = [](hdf5::Group& group) {
    write_floats(group, "scores", {kHeads, 6, 6}, scores(6, 6));
    group.open_dataset("scores").write_attribute("dtype", std::string("bfloat16"));
  };
  check({
      {"tt-calibrate fit none.h5 -k 2 -o out.h5", 3, {"none.h5"}},
      {fit, 3, {"bad.h5"}, text("")},
      {fit, 3, {"bad.h5", "HDF5"}, text("these are not the bytes of an HDF5 file")},
      {fit,
       3,
       {"bad.h5"},
       [](const World& world) {
         std::filesystem::copy(world.path("dump.h5"), world.path("bad.h5"),
                               std::filesystem::copy_options::overwrite_existing);
         truncate_to(world.path("bad.h5"), std::filesystem::file_size(world.path("bad.h5")) / 2);
       }},
      {fit, 3, {"bad.h5", "version", "1", "2"}, dump_with(version)},
      {fit, 3, {"bad.h5", "format"}, dump_with(format)},
      {fit, 3, {"bad.h5", "content"}, dump_with(content)},
      {fit, 3, {"bad.h5", "num_heads"}, dump_with({.skip = "num_heads"})},
      {fit, 3, {"bad.h5", "placement"}, dump_with({.skip = "placement"})},
      {fit, 3, {"bad.h5", "kv_len"}, dump_with({.skip = "kv_len"})},
      {fit, 3, {"bad.h5", "num_kv_heads"}, dump_with(heads)},
      {fit, 3, {"bad.h5", "layers/2"}, dump_with(layer)},
      {fit, 3, {"bad.h5", "scores"}, dump_with(with_shape({kHeads, 6, 5}))},
      {fit, 3, {"bad.h5", "scores"}, dump_with(with_shape({kHeads - 1, 6, 6}))},
      {fit, 3, {"bad.h5", "scores"}, dump_with(with_shape({kHeads, 6}))},
      {fit, 3, {"bad.h5"}, dump_with(with_score(6 * 5 + 2, std::numeric_limits<float>::quiet_NaN()))},
      {fit, 3, {"bad.h5"}, dump_with(with_score(6 * 5 + 2, std::numeric_limits<float>::infinity()))},
      {fit, 3, {"bad.h5", "contradicts the element type"}, dump_with(said_bfloat16)},
      {fit, 3, {"bad.h5", "a web page"}, text("<!DOCTYPE html>\n<html></html>\n")},
  });
}

TEST_CASE("what lies past the causal limit is not looked at") {
  const World world;
  write_dump(world.path("past.h5"), with_score(6 * 2 + 5, std::numeric_limits<float>::quiet_NaN()));
  CHECK(world.run("tt-calibrate fit past.h5 -k 2 -o theta.h5").status == 0);
}

TEST_CASE("a wrong k, layer or fraction") {
  const auto fit = [](const std::string& flags) { return "tt-calibrate fit dump.h5 -o out.h5 " + flags; };
  check({
      {fit(""), 2, {"-k"}},
      {fit("-k 0"), 2, {"-k", "0"}},
      {fit("-k -3"), 2, {"-k"}},
      {fit("-k four"), 2, {"-k", "four"}},
      {fit("-k 4.5"), 2, {"-k", "4.5"}},
      {fit("-k 4,4"), 2, {"-k", "twice"}},
      {fit("-k 64-16*2"), 2, {"-k"}},
      {fit("-k 6"), 2, {"-k 6", "6"}},
      {fit("-k 99999999999999999999"), 2, {"-k"}},
      {fit("-k 2 --layer-k 2:4"), 2, {"--layer-k", "2"}},
      {fit("-k 2 --layer-k one:4"), 2, {"--layer-k"}},
      {fit("-k 2 --layer-k 0:0"), 2, {"--layer-k"}},
      {fit("-k 2 --layer-k 0:dense,1:dense"), 2, {"--layer-k"}},
      {fit("-k 2 --row-fraction 0"), 2, {"--row-fraction"}},
      {fit("-k 2 --row-fraction 1.5"), 2, {"--row-fraction"}},
      {fit("-k 2 --add-sigma nan"), 2, {"--add-sigma"}},
      {fit("-k 2 --placement before"), 2, {"--placement", "before"}},
      {fit("-k 2 --tac"), 2, {"--tac"}},
      {fit("-k 2 --model model"), 2, {"dumps"}},
      {fit("-k 2 --sdc-offline --placement post-softmax"), 2, {"--sdc offline", "--sdc calibrated"}},
      {fit("-k 2 --sdc calibrated --rho-law --placement running-softmax"), 2, {"--rho-law", "drop it"}},
      {"tt-calibrate fit post-dump.h5 -k 2 -o out.h5 --sdc calibrated --placement post-softmax",
       2,
       {"--sdc", "before the softmax"},
       [](const World& world) {
         DumpSpec spec = with_shape({kHeads, 6, 6});
         spec.placement = "post-softmax";
         write_dump(world.path("post-dump.h5"), spec);
       }},
      {"tt-calibrate fit dump.h5 -k 2", 2, {"-o"}},
      {"tt-calibrate fit dump.h5 -k 2 -o out.doc", 2, {"-o", "out.doc"}},
      {"tt-calibrate fit dump.h5 -k 2 -o dump.h5", 2, {"-o", "overwrite"}},
      {"tt-calibrate fit post-dump.h5 -k 2 -o out.h5",
       2,
       {"pre-softmax"},
       [](const World& world) {
         DumpSpec spec = with_shape({kHeads, 6, 6});
         spec.placement = "post-softmax";
         write_dump(world.path("post-dump.h5"), spec);
       }},
      {"tt-calibrate show theta.h5 --layer 2", 2, {"--layer", "0 to 1"}},
      {"tt-calibrate show theta.h5 --head -1", 2, {"--head"}},
      {"tt-calibrate show theta.h5 -k 9", 2, {"9", "8"}},
      {"tt-calibrate show dump.h5", 3, {"dump.h5"}},
      {"tt-calibrate convert theta.h5 -o out.json --what sdc", 2, {"--what sdc"}},
      {"tt-calibrate convert theta.h5 -o sdc.txt --what sdc", 3, {"theta.h5"}},
      {"tt-calibrate convert bad.txt -o out.h5",
       3,
       {"bad.txt:2"},
       [](const World& world) { world.write("bad.txt", "L0_H0:9 0.5 1 8\nL0_H1 what\n"); }},
      {"tt-calibrate dump --model model --text a.txt -k 500 -o out.h5", 2, {"-k 500"}},
      {"tt-calibrate dump --model model --text a.txt --tac -o out.h5", 2, {"--tac", "-k"}},
  });
}

TEST_CASE("a model that is not whole") {
  const std::string run = "tt-eval run --model bad-model --task a.txt -o out.json";
  const auto config = [](const std::string& field, const nlohmann::json& value) {
    return tiny_model_with([=](TinyLlama& model) { model.more_config[field] = value; });
  };
  check({
      {"tt-eval run --model none --task a.txt -o out.json", 3, {"none"}},
      {run, 3, {"config.json"}, model_with([](const auto& dir) {
         std::filesystem::remove(dir / "config.json");
       })},
      {"tt-eval run --model none.gguf --task a.txt -o out.json", 3, {"none.gguf: cannot read"}},
      {run, 3, {"name the file itself", "weights.gguf"}, model_with([](const auto& dir) {
         std::filesystem::rename(dir / "config.json", dir / "weights.gguf");
       })},
      {run, 3, {"model.safetensors"}, model_with([](const auto& dir) {
         std::filesystem::remove(dir / "model.safetensors");
       })},
      {run, 3, {"tokenizer.json"}, model_with([](const auto& dir) {
         std::filesystem::remove(dir / "tokenizer.json");
       })},
      {run, 3, {"model.safetensors"}, model_with([](const auto& dir) {
         truncate_to(dir / "model.safetensors", 5000);
       })},
      {run, 3, {"model.safetensors"}, model_with([](const auto& dir) {
         truncate_to(dir / "model.safetensors", 0);
       })},
      {run, 3, {"num_hidden_layers"}, config("num_hidden_layers", nullptr)},
      {run, 3, {"hidden_size"}, config("hidden_size", "big")},
      {run, 3, {"vocab_size"}, config("vocab_size", -1)},
      {run, 3, {"hidden_act", "tanh"}, config("hidden_act", "tanh")},
      {run, 3, {"model.norm.weight"}, tiny_model_with([](TinyLlama& model) {
         model.tensors.erase("model.norm.weight");
       })},
      {run, 3, {"q_proj", "24", "23"}, tiny_model_with([](TinyLlama& model) {
         TinyTensor& tensor = model.tensors["model.layers.1.self_attn.q_proj.weight"];
         tensor.shape = {24, 23};
         tensor.values.resize(24 * 23);
       })},
  });
}

TEST_CASE("texts and tasks that hold nothing, or nothing that is understood") {
  const auto write = [](const char* name, const char* text) {
    return [=](const World& world) { world.write(name, text); };
  };
  const std::string run = "tt-eval run --model model -o out.json --task ";
  check({
      {run + "none.txt", 3, {"none.txt"}},
      {run + "empty.txt", 3, {"empty.txt", "empty"}, write("empty.txt", "")},
      {run + "empty.jsonl", 3, {"empty.jsonl"}, write("empty.jsonl", "")},
      {run + "latin.txt", 3, {"latin.txt"}, write("latin.txt", "caf\xE9")},
      {run + "bad.jsonl", 3, {"bad.jsonl:1"}, write("bad.jsonl", "{\"context\": \"a\"")},
      {run + "bad.jsonl", 3, {"bad.jsonl:1"}, write("bad.jsonl", "{\"what\": 1}\n")},
      {run + "bad.jsonl",
       3,
       {"bad.jsonl:1", "label"},
       write("bad.jsonl", "{\"context\": \"a\", \"choices\": [\"b\", \"c\"], \"label\": 2}\n")},
      {"tt-calibrate fit --model model --text empty.txt -k 2 -o out.h5",
       3,
       {"empty.txt"},
       write("empty.txt", "")},
      {"tt-calibrate fit --model model -k 2 -o out.h5", 2, {"--text"}},
      {"tt-eval run --model model -o out.json", 2, {"--task"}},
      {"tt-calibrate fit --model model --text a.txt -k 69 -o out.h5", 2, {"-k 69"}},
  });
}

TEST_CASE("policies that mean nothing") {
  const auto run = [](const std::string& flags) {
    return "tt-eval run --model model --task a.txt -o out.json " + flags;
  };
  check({
      {run("--attention sparse"), 2, {"--attention sparse", "dense, topk, theta"}},
      {run("--attention theta:bogus=1 --thresholds theta.h5"), 2, {"bogus"}},
      {run("--attention theta:k= --thresholds theta.h5"), 2, {"--attention theta:k="}},
      {run("--attention theta:sdc=some --thresholds theta.h5"), 2, {"sdc"}},
      {run("--attention theta:vmc=maybe --thresholds theta.h5"), 2, {"vmc"}},
      {run("--attention topk"), 2, {"topk", "k"}},
      {run("--attention topk -k 0"), 2, {"-k"}},
      {run("--attention topk -k -1"), 2, {"-k"}},
      {run("--attention topk -k 4 --layer-k 9:2"), 2, {"--layer-k"}},
      {run("--attention theta"), 2, {"thresholds"}},
      {run("--attention theta --thresholds theta.h5 -k 9"), 2, {"9", "8"}},
      {run("--attention theta --thresholds none.h5"), 3, {"none.h5"}},
      {run("--attention theta --thresholds other.h5"), 3, {"other.h5", "3", "2"}},
      {run("--attention theta --thresholds post.h5"), 2, {"post-softmax"}},
      {run("--attention theta --thresholds theta.h5 --placement post-softmax"), 2, {"pre-softmax"}},
      {run("--attention theta --thresholds post.h5 --placement post-softmax --sdc exact"),
       2,
       {"denominator"}},
      {run("--attention theta --thresholds theta.h5 --sdc offline"), 2, {"offline"}},
      {run("--attention topk -k 4 --sdc exp-threshold"), 2, {"exp-threshold"}},
      {run("--attention topk:cap-k -k 4"), 2, {"cap-k"}},
      {run("--attention topk -k 4 --sdc exact --sdc-scale -1"), 2, {"sdc-scale"}},
      {run("--attention topk -k 4 --sdc exact --sdc-scale inf"), 2, {"sdc-scale"}},
      {run("--attention dense --vmc"), 2, {"--vmc"}},
      {run("--attention dense:vmc"), 2, {"dense"}},
      {run("--attention topk:lookup=linear -k 4"), 2, {"lookup", "topk"}},
      {run("--attention topk -k 4 --lookup spline"), 2, {"--lookup", "nearest or linear"}},
      {run("--attention window:window=0"), 2, {"window", "from 1"}},
      {run("--attention window:pages=3"), 2, {"pages", "sinks"}},
      {run("--attention window:k=3"), 2, {"k", "window"}},
      {run("--attention window --sdc offline"), 2, {"offline"}},
      {run("--attention topp:p=1.5"), 2, {"p", "from 0 to 1"}},
      {run("--attention h2o"), 2, {"budget", "heavy"}},
      {run("--attention quest:pages=3,k=40"), 2, {"pages", "k"}},
      {run("--attention xattention:block=100"), 2, {"multiple of the stride"}},
      {run("--attention dense --keep-first 4"), 2, {"--keep-first"}},
      {run("--attention window --layer-k 0:4"), 2, {"without k"}},
      {run("--attention dense -k 4"), 2, {"-k"}},
      {run("--attention dense --thresholds theta.h5"), 2, {"--thresholds"}},
      {run("--thresholds theta.h5 theta.h5 --attention theta"), 2, {"several"}},
      {run("--context 100000"), 2, {"--context"}},
      {run("--ppl-chunk 100000"), 2, {"--ppl-chunk"}},
      {run("--phase both"), 2, {"--phase"}},
      {run("--format yaml"), 2, {"--format", "yaml"}},
      {run("--limit -1"), 2, {"--limit"}},
      {"tt-eval generate --model model", 2, {"--prompt"}},
      {"tt-eval generate --model model --prompt a --max-new-tokens 1000", 2, {"--max-new-tokens"}},
  });
}
