package io.netpark.samples.consumer

import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldBeEmpty
import io.netpark.samples.SampleSpec
import kotlin.io.path.isDirectory

private val ffm = Runtime.version().feature() >= 22

private val libraries = listOf(Artifact.CORE, Artifact.CALLBACK, Artifact.JCTOOLS, Artifact.JNA)

/** A container that has the library twice, and lets one of them go. */
class LoadersSpec : SampleSpec({
    fun said(binding: String): Said {
        val container = tempdir().toPath()
        val service = tempdir().toPath()
        javac(container, "--release", "17", sources = listOf(Source.resource("Loaders.java"))).shouldBeEmpty()
        javac(
            service, "--release", "17", "-cp", libraries.joined(), sources = listOf(Source.resource("Greeting.java")),
        ).shouldBeEmpty()
        val access = listOfNotNull("--enable-native-access=ALL-UNNAMED".takeIf { ffm })
        val classPath = (listOf(service) + libraries.map { it.path }).map { if (it.isDirectory()) "$it/" else "$it" }
        return java(access + listOf("-Dnetpark.binding=$binding", "-cp", "$container", "greeting.Loaders") + classPath)
    }

    test("by JNA each works beside the other, and what is left is a thread of JNA's in each, which keeps its loader") {
        val said = said("jna")
        said.errors.shouldBeEmpty()
        said.output.filter { it == "hello world" || it.endsWith("loaded") } shouldBe
            listOf("hello world", "hello world", "still loaded", "hello world")
        said.output.last() shouldBe "threads left: [JNA Cleaner, JNA Cleaner]"
    }

    test("by the JDK's own calls the one that goes is unloaded, and no thread is left").config(enabled = ffm) {
        val said = said("ffm")
        said.errors.shouldBeEmpty()
        said.output.filter { it == "hello world" || it.endsWith("loaded") } shouldBe
            listOf("hello world", "hello world", "unloaded", "hello world")
        said.output.last() shouldBe "threads left: []"
    }
})
