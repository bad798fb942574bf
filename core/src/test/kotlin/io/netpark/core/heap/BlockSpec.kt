package io.netpark.core.heap

import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.memory.DirectBuffers
import io.netpark.core.sys.Binding
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.ChildJvm
import io.netpark.core.testing.NetparkSpec
import java.nio.ByteOrder
import java.nio.file.Path
import java.util.concurrent.TimeUnit

class BlockSpec : NetparkSpec(body = {
    for ((name, source) in sources()) {
        context(name) {
            test("a block is zeroed, direct, big-endian, and where its address says") {
                val block = source.allocate(100_000)
                block.memory().apply {
                    isDirect shouldBe true
                    order() shouldBe ByteOrder.BIG_ENDIAN
                    capacity() shouldBe 100_000
                    (0 until 100_000).all { get(it) == 0.toByte() } shouldBe true
                    putInt(99_996, 0x01020304).get(99_996) shouldBe 1
                }
                DirectBuffers.address(block.memory()) % 8 shouldBe 0
                block.free()
                block.free()
            }

            test("freed blocks make room for more than the JVM's limit, beyond it nothing stays counted, and forgotten ones are given back") {
                // A JVM of its own, whose limit for direct memory is soon reached.
                ChildJvm("io.netpark.core.heap.BlockProbeKt").option("-XX:MaxDirectMemorySize=64m").run(name) shouldContain "given back"
            }
        }
    }

    val jdk = Runtime.version().feature()
    val native = if (jdk >= 22) listOf("--enable-native-access=ALL-UNNAMED") else emptyList()
    for (libc in Bindings.all) {
        val binding = "-D${Binding.PROPERTY}=${libc.binding()}"
        test("${libc.binding()}: a program sees no warning of the JDK, whatever memory it frees") {
            probe(native + binding)
        }
        test("${libc.binding()}: nor does it need jdk.unsupported, or any management") {
            probe(native + binding + listOf("--limit-modules", "java.logging"))
        }
        if (jdk >= 23) {
            test("${libc.binding()}: nor the memory access of Unsafe") {
                probe(native + binding + "--sun-misc-unsafe-memory-access=deny")
            }
        }
    }
})

/** By name. Up to JDK 21 the JDK's is `UnsafeCleaner`. */
internal fun sources(): Map<String, Block.Source> =
    mapOf("as this JDK does it" to Block.Source { Block.allocate(it) }, "the C library's heap by JNA" to JnaHeap())

/** Runs `NativeMemoryProbe` in a JVM of its own: it must succeed, and write one line. */
private fun probe(options: List<String>) {
    val classPath = System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")
    val process = ProcessBuilder(
        listOf(Path.of(System.getProperty("java.home"), "bin", "java").toString()) + options +
            listOf("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classPath, "io.netpark.core.memory.NativeMemoryProbeKt"),
    ).redirectErrorStream(true).start()
    val output = process.inputStream.bufferedReader().readText()
    withClue(output) {
        process.waitFor(60, TimeUnit.SECONDS) shouldBe true
        process.exitValue() shouldBe 0
        output.trim().lines().size shouldBe 1
        output shouldContain "written 100000"
    }
}
