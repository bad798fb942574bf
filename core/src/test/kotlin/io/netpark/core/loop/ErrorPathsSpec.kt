package io.netpark.core.loop

import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.netpark.core.sys.Binding
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.childJvm
import io.netpark.core.testing.eventually
import io.netpark.core.testing.testClassPath
import java.io.File
import java.net.InetAddress
import java.net.Socket
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.concurrent.thread

/** In a JVM whose classes come from folders, as a build tool puts them there, and that has few descriptors. */
class ErrorPathsSpec : NetparkSpec(body = {
    fun start(main: String, libc: Binding): Process {
        val needed = listOf("/classes", "/test-classes", "/jna-", "/jctools-", "/kotlin-stdlib-")
        val classPath = testClassPath().split(File.pathSeparator).filter { entry -> needed.any { it in entry } }.joinToString(File.pathSeparator)
        val java = childJvm(main, listOf("-D${Binding.PROPERTY}=$libc"), classPath)
        return ProcessBuilder(listOf("bash", "-c", "ulimit -n 64; exec \"$@\"", "bash") + java).start()
    }

    for (libc in Bindings.all) {
        test("${libc.binding()}: a server that has run out of descriptors says so, and goes on when clients have left") {
            val server = start("io.netpark.core.loop.ExhaustedServerKt", libc.binding())
            val said = CopyOnWriteArrayList<String>()
            val reading = thread(isDaemon = true) { server.errorStream.bufferedReader().forEachLine { said += it } }
            try {
                val port = server.inputStream.bufferedReader().readLine().toInt()
                fun connect() = Socket(InetAddress.getLoopbackAddress(), port).apply { soTimeout = 20_000 }
                fun Socket.exchange() {
                    getOutputStream().write(7)
                    getInputStream().read() shouldBe 7
                }
                withClue(said) {
                    connect().use { it.exchange() }
                    val clients = List(70) { connect() }
                    eventually { said.joinToString() shouldContain "EMFILE" }
                    said.joinToString() shouldContain "WARNING: Accepting on"
                    said.joinToString() shouldNotContain "the reporter threw"
                    clients.forEach { it.close() }
                    connect().use { it.exchange() }
                    said.filter { "NoClassDefFoundError" in it } shouldBe emptyList()
                }
            } finally {
                server.destroyForcibly().waitFor()
                reading.join()
            }
        }
    }
})
