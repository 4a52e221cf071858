#include "report/csv.hpp"

#include "report/sample_results.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

TEST_CASE("fields are quoted where they must be") {
  CHECK(format_csv_record({"a", "b,c", "d\"e", "", "f\ng"}) == "a,\"b,c\",\"d\"\"e\",,\"f\ng\"\n");
}

TEST_CASE("one line per run, empty where a figure does not apply") {
  Results results = sample_results();
  results.runs[1].sparsity = sample_counts(7);
  CHECK(format_csv(results) ==
        "attention,k,layer_k,placement,sdc,sdc_scale,vmc,cap_k,task,kind,examples,nll,nll_stderr,perplexity,"
        "perplexity_stderr,acc,acc_stderr,acc_norm,acc_norm_stderr,tokens,correct,phase,kept_elements,v_rows,"
        "effective_k_ratio,lost_mass,k_rows,tiles,options,model,model_sha256,thresholds,thresholds_sha256,"
        "task_sha256\n"
        "dense,,,,none,,false,false,held-out,text,1,1.25,0.0125,3.4903429574618414,,,,,,4,,prefill,1,1,1,0,1,"
        "0,,tiny,aa,,,cc\n"
        "theta,2,2 [0:dense],pre-softmax,exact,1,true,false,\"quiz, "
        "hard\",multiple-choice,4,,,,,0.5,0.25,0.75,,16,2,"
        "prefill,0.7,0.75,1,0.125,1,0,,tiny,aa,theta.h5,,dd\n");
}

TEST_CASE("options name what changes the arithmetic and has no column of its own") {
  Results results = sample_results();
  results.runs[1].policy.policy.keep_first = 4;
  results.runs[1].policy.policy.lookup = LengthLookup::linear;
  results.runs[1].policy.rho_law = true;
  CHECK(format_csv(results).find(",keep_first=4 lookup=linear rho_law=true,tiny,") != std::string::npos);
}
