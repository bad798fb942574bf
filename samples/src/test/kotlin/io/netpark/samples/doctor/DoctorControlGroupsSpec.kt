package io.netpark.samples.doctor

import io.kotest.matchers.shouldBe
import io.netpark.samples.SampleSpec

class DoctorControlGroupsSpec : SampleSpec({

    fun limits(vararg files: Pair<String, String>): Pair<Double?, Long?> = Patient().use { patient ->
        for ((path, content) in files) patient.file(path, "$content\n")
        val groups = ControlGroups(patient.host)
        groups.processors to groups.memory
    }

    test("version 2, inside a container") {
        limits(
            "proc/self/cgroup" to "0::/",
            "sys/fs/cgroup/cpu.max" to "250000 100000",
            "sys/fs/cgroup/memory.max" to "1073741824",
        ) shouldBe (2.5 to 1073741824L)
    }

    test("version 2, without limits") {
        limits(
            "proc/self/cgroup" to "0::/",
            "sys/fs/cgroup/cpu.max" to "max 100000",
            "sys/fs/cgroup/memory.max" to "max",
        ) shouldBe (null to null)
    }

    test("version 2, a service in a slice: the tighter limit counts, whichever group has it") {
        limits(
            "proc/self/cgroup" to "0::/system.slice/net.service",
            "sys/fs/cgroup/system.slice/cpu.max" to "100000 100000",
            "sys/fs/cgroup/system.slice/net.service/cpu.max" to "400000 100000",
            "sys/fs/cgroup/system.slice/memory.max" to "4000000",
            "sys/fs/cgroup/system.slice/net.service/memory.max" to "1000000",
        ) shouldBe (1.0 to 1000000L)
    }

    test("version 1, with the name that the group has outside of the container") {
        limits(
            "proc/self/cgroup" to "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n0::/",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us" to "50000",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us" to "100000",
            "sys/fs/cgroup/memory/memory.limit_in_bytes" to "2000000",
        ) shouldBe (0.5 to 2000000L)
    }

    test("version 1, without limits") {
        limits(
            "proc/self/cgroup" to "4:memory:/\n3:cpu:/",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us" to "-1",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us" to "100000",
            "sys/fs/cgroup/memory/memory.limit_in_bytes" to "9223372036854771712",
        ) shouldBe (null to null)
    }

    test("nothing to read, or nothing to understand") {
        limits() shouldBe (null to null)
        limits("proc/self/cgroup" to "what is this") shouldBe (null to null)
        limits(
            "proc/self/cgroup" to "0::/../..",
            "sys/fs/cgroup/cpu.max" to "half of one",
            "sys/fs/cgroup/memory.max" to "",
        ) shouldBe (null to null)
    }
})
