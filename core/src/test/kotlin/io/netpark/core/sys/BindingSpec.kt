package io.netpark.core.sys

import com.sun.jna.Platform as JnaPlatform
import io.kotest.assertions.throwables.shouldNotThrowAny
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.kotest.matchers.string.shouldStartWith
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.childJvm
import io.netpark.core.testing.fault.FailingCall
import io.netpark.core.testing.needs
import io.netpark.core.testing.runToEnd
import java.nio.file.Files
import java.nio.file.Path
import java.util.zip.ZipFile
import kotlin.io.path.readText

/** What needs no folder, or why that cannot be had here. */
private val withoutFolder = "the foreign-function binding needs no folder: " +
    (Binding.FFM.unavailability() ?: "-Dnetpark.binding=ffm takes it")

private val NOEXEC = arrayOf("mount", "-t", "tmpfs", "-o", "noexec", "none")

class BindingSpec : NetparkSpec(body = {
    test("the property's values stand for bindings, in any case; auto takes the best that works") {
        Binding.choose("jna") shouldBe Binding.JNA
        Binding.choose("FFM") shouldBe Binding.FFM
        Binding.choose("auto") shouldBe if (Binding.FFM.unavailability() == null) Binding.FFM else Binding.JNA
    }

    test("a wrong value is named, with the right ones") {
        for (value in listOf("", "jni", " jna", "auto,jna")) {
            val message = shouldThrow<IllegalArgumentException> { Binding.choose(value) }.message!!
            message shouldContain "-Dnetpark.binding=$value"
            message shouldContain "auto, jna or ffm"
        }
    }

    test("a binding that cannot work here says why and what to do") {
        val missing = Binding.FFM.unavailability()
        if (missing != null) {
            val message = shouldThrow<UnsupportedOperationException> { Binding.FFM.open() }.message!!
            message shouldContain missing
            message shouldContain "-Dnetpark.binding=jna"
        }
        Binding.JNA.unavailability() shouldBe null
    }

    test("the default is one of those that work, and the same each time") {
        Bindings.all.map { it.binding() } shouldBe Binding.entries.filter { it.unavailability() == null }
        (Binding.defaultLibC() === Binding.defaultLibC()) shouldBe true
    }

    test("who asks again after a failure to start is told the same, with the cause and its own way out") {
        fun asked(vararg options: String): List<String> {
            val (output, status) = childJvm("io.netpark.core.sys.BindingProbeKt", options.toList())
                .filterNot { it.startsWith("--enable-native-access") }.runToEnd()
            withClue(output) { status shouldBe 0 }
            return output.lines().filter { it.startsWith("told: ") }.also { it shouldHaveSize 3 }
        }
        val unpacking = asked("-Dnetpark.binding=jna", "-Djna.tmpdir=/dev/null/nowhere")
        unpacking.toSet() shouldHaveSize 1
        unpacking.first() shouldContain "java.lang.UnsupportedOperationException: The JNA binding failed to start"
        unpacking.first() shouldContain "-Djna.tmpdir"
        unpacking.first() shouldContain withoutFolder
        unpacking.first() shouldContain "caused by java.lang.UnsatisfiedLinkError"
        unpacking.first() shouldNotContain "enable-native-access"
        if (Runtime.version().feature() >= 24) {
            for (binding in listOf("jna", "ffm")) {
                val denied = asked("-Dnetpark.binding=$binding", "--illegal-native-access=deny")
                denied.toSet() shouldHaveSize 1
                denied.first() shouldContain "start it with --enable-native-access=ALL-UNNAMED"
                denied.first() shouldContain "caused by java.lang.IllegalCallerException"
            }
        }
    }

    test("JNA finds its folder mounted noexec: the folder is named, and the property that names another")
        .config(enabledOrReasonIf = { needs("unshare", "--map-root-user", "--mount", *NOEXEC, "/mnt") }) {
            val folder = Files.createTempDirectory("noexec")
            try {
                val script = NOEXEC.joinToString(" ", postfix = " \"\$0\" && unset XDG_CACHE_HOME && exec \"\$@\"")
                val inside = listOf("unshare", "--map-root-user", "--mount", "sh", "-c", script, folder.toString())
                for (option in listOf("-Djna.tmpdir=$folder", "-Duser.home=$folder")) {
                    val options = listOf("-Dnetpark.binding=jna", option)
                    val (output, status) = (inside + childJvm("io.netpark.core.sys.BindingProbeKt", options)).runToEnd()
                    withClue(output) { status shouldBe 0 }
                    val told = output.lines().first { it.startsWith("told: ") }
                    told shouldContain "The JNA binding failed to start (java.lang.UnsatisfiedLinkError: $folder"
                    told shouldContain "-Djna.tmpdir names a folder that can be written to and that is not mounted noexec"
                    told shouldContain withoutFolder
                }
            } finally {
                Files.delete(folder)
            }
        }

    test("JNA takes its library from where it lies already, and unpacks nothing, with the README's properties") {
        val folder = Files.createTempDirectory("unpacked")
        val library = folder.resolve("libjnidispatch.so")
        val written = Regex("`(-Djna\\.nounpack=true) (-Djna\\.boot\\.library\\.path=)DIR`").find(Path.of("../README.md").readText())!!
        val (nounpack, path) = written.destructured
        try {
            ZipFile(Path.of(JnaPlatform::class.java.protectionDomain.codeSource.location.toURI()).toFile()).use { jar ->
                val entry = jar.getEntry("com/sun/jna/${JnaPlatform.RESOURCE_PREFIX}/libjnidispatch.so")
                jar.getInputStream(entry).use { Files.copy(it, library) }
            }
            val options = listOf("-Dnetpark.binding=jna", "-Djna.tmpdir=/dev/null/nowhere", nounpack, "$path$folder")
            val (output, status) = childJvm("io.netpark.core.sys.BindingProbeKt", options).runToEnd()
            withClue(output) {
                status shouldBe 0
                val told = output.lines().filter { it.startsWith("told: ") }
                told shouldHaveSize 3
                told.forEach { it shouldStartWith "told: nothing is wrong" }
            }
        } finally {
            Files.deleteIfExists(library)
            Files.delete(folder)
        }
    }

    test("a JDK without jdk.unsupported will do") {
        for (libc in Bindings.all) {
            val options = listOf("--limit-modules", "java.base,java.logging", "-Dnetpark.binding=${libc.binding()}")
            val (output, status) = childJvm("io.netpark.core.memory.NoUnsafeProbeKt", options).runToEnd()
            withClue(output) { status shouldBe 0 }
        }
    }

    test("the self-test passes here, and detects a kernel that gives back another token") {
        for (libc in Bindings.all) {
            shouldNotThrowAny { Platform.selfTest(libc) }
            val wrong = object : LibC by libc {
                override fun epollWait(epfd: Int, events: Long, capacity: Int, timeoutMillis: Int): Int =
                    libc.epollWait(epfd, events + 4, capacity, timeoutMillis)
            }
            shouldThrow<UnsupportedOperationException> { Platform.selfTest(wrong) }.message!! shouldContain "epoll_event"
        }
    }

    test("the self-test names the call that failed, and closes what it opened") {
        val broken = object : LibC by Bindings.best {
            override fun eventfd(initial: Int, flags: Int) = -Errno.EMFILE
        }
        shouldThrow<UnsupportedOperationException> { Platform.selfTest(broken) }.message!!.let {
            it shouldContain "eventfd: EMFILE"
            it shouldNotContain "seccomp"
        }
    }

    test("a filter of system calls that forbids one is thought of, with where to allow it, whatever it answers") {
        val calls = mapOf(
            "epollCreate" to "epoll_create1", "eventfd" to "eventfd", "epollCtl" to "epoll_ctl", "epollWait" to "epoll_wait",
        )
        for ((method, call) in calls) {
            for (errno in listOf(Errno.EPERM, Errno.ENOSYS)) {
                val filtered = FailingCall(Bindings.best, method, 1, errno)
                val message = shouldThrow<UnsupportedOperationException> { Platform.selfTest(filtered.libc()) }.message!!
                message shouldContain "$call: ${Errno.describe(errno)}"
                message shouldContain "seccomp profile of the container, or by SystemCallFilter="
            }
        }
    }

    for (answer in listOf("epoll_create1:error=EPERM", "eventfd2:error=ENOSYS")) {
        test("a process that is answered $answer by the kernel says which call, and where to allow it")
            .config(enabledOrReasonIf = { needs("strace", "-o", "/dev/null", "true") }) {
                for (libc in Bindings.all) {
                    val options = listOf("-Dnetpark.binding=${libc.binding()}")
                    val command = listOf("strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=$answer") +
                        childJvm("io.netpark.core.sys.BindingProbeKt", options)
                    val (output, status) = command.runToEnd()
                    withClue(output) { status shouldBe 0 }
                    val told = output.lines().first { it.startsWith("told: ") }
                    told shouldContain Regex("self-test of Netpark failed: (epoll_create1: EPERM|eventfd: ENOSYS) .*seccomp")
                }
            }
    }
})
