"""What the machine is."""

import os
import platform
from datetime import date


def facts(cores):
    model, flags = platform.processor() or platform.machine(), ""
    try:
        with open("/proc/cpuinfo") as info:
            for line in info:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    model = value.strip()
                if key.strip() == "flags":
                    flags = f" {value.strip()} "
                    break
    except FileNotFoundError:
        pass
    vectors = [name for name, flag in (("AVX-512", "avx512f"), ("AVX2", "avx2"), ("FMA", "fma")) if f" {flag} " in flags]
    return {
        "processor": model,
        "vectors": ", ".join(vectors),
        "cores": os.cpu_count(),
        "threads": len(cores),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release()}",
        "date": date.today().isoformat(),
    }
