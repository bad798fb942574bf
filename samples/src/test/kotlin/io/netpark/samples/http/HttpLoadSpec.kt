package io.netpark.samples.http

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldNotContain
import io.netpark.samples.SampleSpec
import io.netpark.samples.needs
import java.nio.file.Files

/** A load generator that others use too. */
class HttpLoadSpec : SampleSpec({
    test("five seconds of wrk, without an error").config(enabledOrReasonIf = { needs("sh", "-c", "command -v wrk") }) {
        RunningHttp().use { http ->
            http.dial().use {
                it.send("GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n")
                it.getInputStream().receive()!!.status shouldBe 200
            }
            Thread.sleep(100)
            val before = http.openDescriptors()
            wrk(http.url("/plaintext"), "-c", "100", "-d", "5")
            wrk(http.url("/json"), "-c", "100", "-d", "1")
            wrk(http.url("/plaintext"), "-c", "50", "-d", "1", "-s", pipelining)
            http.awaitDescriptors(before)
            http.program.errorLines().shouldBeEmpty()
        }
    }
}) {
    private companion object {
        /** Sixteen requests at a time, for wrk. */
        val pipelining: String by lazy {
            val script = Files.createTempFile("pipeline", ".lua")
            script.toFile().deleteOnExit()
            Files.writeString(script, "init = function(args) request = function() return string.rep(wrk.format(), 16) end end\n")
            "$script"
        }

        fun wrk(url: String, vararg options: String) {
            val wrk = ProcessBuilder(listOf("wrk", "-t", "1", *options, url)).redirectErrorStream(true).start()
            val report = wrk.inputStream.bufferedReader().readText()
            wrk.waitFor() shouldBe 0
            report shouldNotContain "Socket errors"
            report shouldNotContain "Non-2xx"
            val requests = Regex("""(\d+) requests in""").find(report)?.groupValues?.get(1)?.toLong() ?: error(report)
            requests shouldBeGreaterThan 100
        }
    }
}
