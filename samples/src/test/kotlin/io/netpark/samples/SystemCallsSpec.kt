package io.netpark.samples

import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.maps.shouldNotContainKey
import io.kotest.matchers.shouldBe
import java.nio.file.Files
import java.util.concurrent.TimeUnit

/** What the echo server asks of the kernel once it runs warm. */
class SystemCallsSpec : SampleSpec({
    for (api in listOf("coroutine", "callback")) {
        test("$api: one read and one write a request, no epoll_ctl, no wake-up")
            .config(enabledOrReasonIf = { needs("strace", "-f", "-c", "-o", "/dev/null", "true") }) {
                RunningEcho("--api", api, "--loops", "1").use { echo ->
                    val message = ByteArray(1024) { it.toByte() }
                    echo.dial().use { client ->
                        repeat(200) { client.exchange(message) }
                        val calls = countCalls(echo.program.pid) {
                            repeat(REQUESTS) { client.exchange(message) shouldBe message }
                        }
                        calls["recvfrom"] shouldBe REQUESTS
                        calls["sendto"] shouldBe REQUESTS
                        // epoll_ctl: registered once. write: the way to wake a loop is to write to its eventfd.
                        listOf("epoll_ctl", "write", "readv", "writev", "recvmsg", "sendmsg")
                            .forEach { calls shouldNotContainKey it }
                        // read: the JVM's compiler threads look at the files of their cgroup, each opened before.
                        (calls["read"] ?: 0) shouldBeLessThanOrEqual (calls["openat"] ?: 0)
                    }
                }
            }
    }
}) {
    private companion object {
        const val REQUESTS = 500

        /** The system calls of all threads of a process meanwhile, by name: strace -c. */
        fun countCalls(pid: Long, block: () -> Unit): Map<String, Int> {
            val summary = Files.createTempFile("strace", null)
            try {
                val strace = ProcessBuilder("strace", "-c", "-f", "-o", "$summary", "-p", "$pid")
                    .redirectErrorStream(true).start()
                val messages = strace.inputStream.bufferedReader()
                val attached = messages.readLine() // "Process N attached with M threads": all of them, then
                check("attached" in attached.orEmpty()) { "strace could not attach: $attached" }
                block()
                ProcessBuilder("kill", "-INT", "${strace.pid()}").start().waitFor()
                check(strace.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) { "strace does not end" }
                // % time, seconds, usecs/call, calls, errors (or nothing), name
                return Files.readAllLines(summary).map { it.trim().split(Regex(" +")) }
                    .filter { it.size >= 5 && it[3].toIntOrNull() != null && it.last() != "total" }
                    .associate { it.last() to it[3].toInt() }
            } finally {
                Files.delete(summary)
            }
        }
    }
}
