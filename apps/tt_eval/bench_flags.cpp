#include "common/common_flags.hpp"
#include "common/strict.hpp"
#include "tt_eval/bench_plan.hpp"
#include "tt_eval/model_flags.hpp"

namespace toptheta::app {

void declare_bench(CLI::App& app, BenchFlags& flags) {
  const char* group = "Measuring";
  declare_model(app, flags.model);
  app.add_option("--shape", flags.shape,
                 "Instead of a model: random weights of this shape, drawn by --seed. kv-heads, head-dim and "
                 "context may be left out")
      ->type_name("d=768,layers=12,heads=12,kv-heads=12,ffn=2048,vocab=32000")
      ->group(kInputGroup);
  declare_compute(app, flags.compute);
  declare_kv(app, flags.kv);
  declare_strict(app, flags.strict);
  app.add_option("--text", flags.text,
                 "What the model reads, repeated as needed; random tokens if not given (with the embedded "
                 "model: its held-out texts)")
      ->type_name("FILE.txt")
      ->group(kInputGroup);
  app.add_option("--prefill", flags.prefill,
                 "Prompts of so many tokens; none = no prefill. Default: those of 512,2048,8192 that fit")
      ->type_name("LIST")
      ->group(group);
  app.add_option("--decode-at", flags.decode_at,
                 "Single steps with so many tokens in the cache; none = no decoding. Default: those of "
                 "1024,4096,16384 that fit")
      ->type_name("LIST")
      ->group(group);
  app.add_option("--decode-steps", flags.decode_steps, "Steps in a repetition; each is timed")
      ->type_name("N")
      ->check(positive())
      ->capture_default_str()
      ->group(group);
  app.add_option("--repetitions", flags.repetitions,
                 "Timed runs of each policy, in turn, after one that is counted; the median is reported")
      ->type_name("N")
      ->check(positive())
      ->capture_default_str()
      ->group(group);
  app.add_option("--kept", flags.kept,
                 "Compare at these fractions of kept elements: thresholds are fitted on the spot to the "
                 "model's own scores, and top-k takes the k that keeps as many. Default policies then: dense "
                 "topk theta theta:prefilter=auto")
      ->type_name("0.1,0.02")
      ->group(group);
  declare_policies(app, flags.policies);
}

}  // namespace toptheta::app
