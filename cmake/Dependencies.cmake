# Every library by its Debian package name; scripts/setup installs them.
find_package(OpenMP REQUIRED COMPONENTS CXX)  # libgomp (gcc) or libomp-dev (clang)
find_package(fmt REQUIRED)                    # libfmt-dev
find_package(CLI11 REQUIRED)                  # libcli11-dev
find_package(nlohmann_json REQUIRED)          # nlohmann-json3-dev
find_package(HDF5 REQUIRED COMPONENTS C)      # libhdf5-dev
find_package(dnnl REQUIRED)                   # libdnnl-dev; its CMake file asks for OpenCL: ocl-icd-opencl-dev
find_package(hwy REQUIRED)                    # libhwy-dev
find_package(OpenSSL REQUIRED COMPONENTS Crypto)  # libssl-dev, for SHA-256
find_package(ZLIB REQUIRED)                   # zlib1g-dev
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)  # libpcre2-dev
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)  # libtomlplusplus-dev, for task and configuration files
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)  # libutf8proc-dev, Unicode for tokenizers
pkg_check_modules(SENTENCEPIECE REQUIRED IMPORTED_TARGET sentencepiece)  # libsentencepiece-dev, for tokenizer.model
pkg_check_modules(DEFLATE REQUIRED IMPORTED_TARGET libdeflate)  # libdeflate-dev, for compressed dumps
pkg_check_modules(LZF REQUIRED IMPORTED_TARGET liblzf)  # liblzf-dev, for h5py's own compression
# D3 5, which goes into the pages of `report`: node-d3. Later versions have other events and another licence.
find_file(TT_D3 d3.min.js PATHS /usr/share/nodejs/d3/dist NO_DEFAULT_PATH DOC "d3.min.js of D3 5")
if(NOT EXISTS "${TT_D3}")
  message(FATAL_ERROR "d3.min.js of D3 5 was not found (TT_D3: ${TT_D3}). Install Debian's package node-d3, or download d3.v5.min.js from "
                      "d3js.org and say where it is: -DTT_D3=/path/to/d3.v5.min.js")
endif()
file(STRINGS "${TT_D3}" _tt_d3_version LIMIT_COUNT 1)
if(NOT _tt_d3_version MATCHES "d3js\\.org v5\\.")
  message(FATAL_ERROR "TT_D3: ${TT_D3} should begin with a comment that says https://d3js.org v5, and begins with "
                      "\"${_tt_d3_version}\". Install Debian's package node-d3, or give d3.v5.min.js from d3js.org.")
endif()
# Calibration on several machines; optional: libopenmpi-dev, or any other MPI. Its C interface only.
set(TT_MPI "AUTO" CACHE STRING "MPI: AUTO (where it is found), ON or OFF")
set(TT_HAVE_MPI OFF)
if(TT_MPI STREQUAL "ON")
  find_package(MPI REQUIRED COMPONENTS C)
elseif(NOT TT_MPI STREQUAL "OFF")
  find_package(MPI QUIET COMPONENTS C)
endif()
if(NOT TT_MPI STREQUAL "OFF" AND MPI_C_FOUND)
  set(TT_HAVE_MPI ON)
endif()
if(TT_BUILD_TESTS)
  find_package(Catch2 REQUIRED)  # catch2, version 2 or 3
endif()
if(TT_BUILD_BENCH)
  find_package(benchmark REQUIRED)  # libbenchmark-dev
endif()

# One imported target for HDF5, whatever FindHDF5 of this CMake offers.
add_library(tt_hdf5 INTERFACE)
target_include_directories(tt_hdf5 SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS})
target_link_libraries(tt_hdf5 INTERFACE ${HDF5_C_LIBRARIES})
target_compile_definitions(tt_hdf5 INTERFACE ${HDF5_DEFINITIONS})
