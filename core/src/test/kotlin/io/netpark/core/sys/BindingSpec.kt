package io.netpark.core.sys

import io.kotest.assertions.throwables.shouldNotThrowAny
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.childJvm
import io.netpark.core.testing.runToEnd

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
        shouldThrow<UnsupportedOperationException> { Platform.selfTest(broken) }.message!! shouldContain "eventfd: EMFILE"
    }
})
