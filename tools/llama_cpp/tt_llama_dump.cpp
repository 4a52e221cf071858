// tt-llama-dump: an attention dump from any model that llama.cpp runs, for tt-calibrate fit. See README.md.
//
// llama.cpp calls back after each node of its graph that was asked for. `kq-<layer>` is q.k of a layer,
// unscaled and unmasked: its two sources are the keys in the cache (kept in float32 here) and the queries,
// after whatever norms and rotary embedding the architecture has. `kq_soft_max-<layer>` has the scale.
#include <ggml-backend.h>
#include <ggml.h>
#include <llama.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "dump/writer.hpp"
#include "io/text_file.hpp"

namespace {

using namespace toptheta;

struct Options {
  std::string model;
  std::string output;
  std::vector<std::string> texts;
  int context = 2048;
  int threads = 4;
  int gpu_layers = 0;
  DumpElement element = DumpElement::f16;
};

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

// The layer of a node called "<kind>-<layer>".
std::optional<int> layer_of(const ggml_tensor* node, std::string_view kind) {
  const std::string_view name = node->name;
  if (!name.starts_with(kind) || name.size() <= kind.size() + 1 || name[kind.size()] != '-')
    return std::nullopt;
  return std::atoi(node->name + kind.size() + 1);
}

// [tokens, heads, width] of a tensor [width, tokens or more, heads] of any strides, on any device.
std::vector<float> rows_of(const ggml_tensor* tensor, std::int64_t tokens) {
  if (tensor->type != GGML_TYPE_F32 || tensor->nb[0] != sizeof(float) || tensor->ne[3] != 1)
    fail(std::string(tensor->name) + ": queries and keys must be float32, one sequence at a time");
  const std::int64_t width = tensor->ne[0];
  const std::int64_t heads = tensor->ne[2];
  std::vector<float> rows(static_cast<std::size_t>(tokens * heads * width));
  for (std::int64_t token = 0; token < tokens; ++token)
    for (std::int64_t head = 0; head < heads; ++head)
      ggml_backend_tensor_get(
          tensor, rows.data() + (token * heads + head) * width,
          static_cast<std::size_t>(token) * tensor->nb[1] + static_cast<std::size_t>(head) * tensor->nb[2],
          static_cast<std::size_t>(width) * sizeof(float));
  return rows;
}

// What goes past while llama.cpp computes.
struct Watch {
  DumpWriter* writer = nullptr;  // null: only the shape and the scale are looked at
  ModelShape shape{};
  double scale = 0;
  std::int64_t tokens = 0;
  std::string error;

  void queries_and_keys(const ggml_tensor* kq, int layer) {
    const ggml_tensor* k = kq->src[0];
    const ggml_tensor* q = kq->src[1];
    if (kq->op != GGML_OP_MUL_MAT || q->ne[1] != tokens || k->ne[1] < tokens)
      fail("layer " + std::to_string(layer) + ": the text was not computed in one piece");
    const ModelShape found{shape.num_layers, q->ne[2], k->ne[2], q->ne[0]};
    if (shape.num_heads == 0) shape = found;
    if (found != shape)
      fail("layer " + std::to_string(layer) + ": other numbers or widths of heads than before");
    if (writer == nullptr) return;
    const std::vector<float> queries = rows_of(q, tokens);
    const std::vector<float> keys = rows_of(k, tokens);
    writer->add_queries_keys(
        {.layer = layer, .first_position = 0, .rows = tokens, .q = queries.data(), .k = keys.data()});
  }

  void softmax(const ggml_tensor* node, int layer) {
    float scale_here = 0;
    float bias = 0;
    std::memcpy(&scale_here, node->op_params, sizeof scale_here);
    std::memcpy(&bias, node->op_params + 1, sizeof bias);
    const std::string where = "layer " + std::to_string(layer) + ": ";
    if (node->op != GGML_OP_SOFT_MAX || !layer_of(node->src[0], "kq") || node->src[0]->op != GGML_OP_MUL_MAT)
      fail(where +
           "something happens between q.k and the softmax (soft-capping?): a dump of q and k cannot say it");
    if (bias != 0) fail(where + "ALiBi: a dump of q and k cannot say it");
    const auto found = static_cast<double>(scale_here);
    if (scale == 0) scale = found;
    if (found != scale) fail(where + "another scale than before");
  }
};

// llama.cpp's callback: first asks whether the node is wanted, then shows it.
bool on_node(ggml_tensor* node, bool ask, void* data) {
  auto& watch = *static_cast<Watch*>(data);
  const auto kq = layer_of(node, "kq");
  const auto softmax = layer_of(node, "kq_soft_max");
  if (ask) return kq || softmax;
  try {
    if (kq) watch.queries_and_keys(node, *kq);
    if (softmax) watch.softmax(node, *softmax);
    return true;
  } catch (const std::exception& error) {
    watch.error = error.what();  // must not travel through C
    return false;
  }
}

struct Free {
  void operator()(llama_model* model) const { llama_model_free(model); }
  void operator()(llama_context* context) const { llama_free(context); }
};
using Model = std::unique_ptr<llama_model, Free>;
using Context = std::unique_ptr<llama_context, Free>;

std::string metadata(const llama_model* model, const std::string& key) {
  std::string text(512, '\0');
  const int length = llama_model_meta_val_str(model, key.c_str(), text.data(), text.size());
  text.resize(length < 0 ? 0 : std::min<std::size_t>(static_cast<std::size_t>(length), text.size() - 1));
  return text;
}

Context context_of(llama_model* model, const Options& options, Watch& watch) {
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = static_cast<std::uint32_t>(options.context);
  parameters.n_threads = parameters.n_threads_batch = options.threads;
  parameters.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;  // it has no node kq
  parameters.type_k = parameters.type_v = GGML_TYPE_F32;
  parameters.swa_full = true;
  parameters.cb_eval = on_node;
  parameters.cb_eval_user_data = &watch;
  Context context(llama_init_from_model(model, parameters));
  if (!context) fail("llama.cpp makes no context of " + std::to_string(options.context) + " tokens");
  return context;
}

void decode(llama_context* context, std::vector<llama_token> tokens, Watch& watch) {
  llama_memory_clear(llama_get_memory(context), true);
  watch.tokens = static_cast<std::int64_t>(tokens.size());
  const int status =
      llama_decode(context, llama_batch_get_one(tokens.data(), static_cast<std::int32_t>(tokens.size())));
  if (!watch.error.empty()) fail(watch.error);
  if (status != 0) fail("llama.cpp cannot run the text: status " + std::to_string(status));
}

std::vector<llama_token> tokens_of(const llama_model* model, const std::string& text) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  const auto bytes = static_cast<std::int32_t>(text.size());
  const int count = -llama_tokenize(vocab, text.data(), bytes, nullptr, 0, true, false);
  if (count <= 0) fail("a text of no tokens");
  std::vector<llama_token> tokens(static_cast<std::size_t>(count));
  llama_tokenize(vocab, text.data(), bytes, tokens.data(), count, true, false);
  return tokens;
}

void refuse_window(const llama_model* model, int context) {
  const std::string architecture = metadata(model, "general.architecture");
  const int window = std::atoi(metadata(model, architecture + ".attention.sliding_window").c_str());
  if (window > 0 && window < context)
    fail("the model has a sliding window of " + std::to_string(window) +
         " tokens, which a dump cannot say: use --context " + std::to_string(window));
}

void dump(const Options& options) {
  llama_model_params parameters = llama_model_default_params();
  parameters.n_gpu_layers = options.gpu_layers;
  const Model model(llama_model_load_from_file(options.model.c_str(), parameters));
  if (!model) fail("llama.cpp cannot load " + options.model);
  refuse_window(model.get(), options.context);
  Watch watch;
  watch.shape.num_layers = llama_model_n_layer(model.get());
  const Context context = context_of(model.get(), options, watch);
  const std::string first_text = read_text_file(options.texts.front());
  std::vector<llama_token> few = tokens_of(model.get(), first_text);
  few.resize(std::min<std::size_t>(few.size(), 4));
  decode(context.get(), few, watch);  // for the shape and the scale
  if (watch.shape.num_heads == 0 || watch.scale == 0)
    fail("no nodes kq and kq_soft_max: not a softmax-attention decoder");
  const DumpHeader header{.content = DumpContent::qk,
                          .shape = watch.shape,
                          .scale = watch.scale,
                          .model = metadata(model.get(), "general.name"),
                          .producer = "tt-llama-dump"};
  DumpWriter writer(options.output, header, {.element = options.element});
  watch.writer = &writer;
  int sample = 0;
  for (const std::string& path : options.texts) {
    const std::vector<llama_token> tokens = tokens_of(model.get(), read_text_file(path));
    for (std::size_t first = 0; first < tokens.size(); first += static_cast<std::size_t>(options.context)) {
      const std::size_t end = std::min(tokens.size(), first + static_cast<std::size_t>(options.context));
      const std::vector<llama_token> piece(tokens.begin() + static_cast<std::ptrdiff_t>(first),
                                           tokens.begin() + static_cast<std::ptrdiff_t>(end));
      char name[16];
      std::snprintf(name, sizeof name, "%06d", sample++);
      writer.begin_sample({.name = name,
                           .kv_len = static_cast<std::int64_t>(piece.size()),
                           .source = path,
                           .tokens = {piece.begin(), piece.end()}});
      decode(context.get(), piece, watch);
    }
  }
  writer.finish();
}

Options parse(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const auto value = [&]() -> std::string {
      return i + 1 < count ? words[++i] : throw std::invalid_argument(word + " needs a value");
    };
    if (word == "-o")
      options.output = value();
    else if (word == "--context")
      options.context = std::stoi(value());
    else if (word == "--threads")
      options.threads = std::stoi(value());
    else if (word == "--gpu-layers")
      options.gpu_layers = std::stoi(value());
    else if (word == "--dtype") {
      const auto element = dump_element_from_name(value());
      if (!element) throw std::invalid_argument("--dtype is float16, bfloat16, float32 or float64");
      options.element = *element;
    } else if (word.starts_with("-"))
      throw std::invalid_argument("unknown option " + word);
    else
      (options.model.empty() ? options.model : options.texts.emplace_back()) = word;
  }
  if (options.model.empty() || options.output.empty() || options.texts.empty() || options.context < 1)
    throw std::invalid_argument(
        "usage: tt-llama-dump MODEL.gguf TEXT... -o DUMP.h5 [--context 2048] [--dtype float16] "
        "[--threads 4] [--gpu-layers 0]");
  return options;
}

}  // namespace

int main(int count, char** words) {
  try {
    const Options options = parse(count, words);
    llama_backend_init();
    dump(options);
    llama_backend_free();
    return 0;
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "tt-llama-dump: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tt-llama-dump: error: %s\n", error.what());
    return 3;
  }
}
