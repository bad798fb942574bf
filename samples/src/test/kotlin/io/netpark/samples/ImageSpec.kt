package io.netpark.samples

import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import java.util.concurrent.CompletableFuture
import kotlin.io.path.exists

/** Programs that run while their tree is built again. */
class ImageSpec : SampleSpec({
    val tree = SourceTree(archives = false)
    afterSpec { tree.close() }

    test("a program keeps its jars while its tree is built again; the image of one that has ended is removed").config(
        enabledOrReasonIf = { needs("flock", "--version") },
    ) {
        val first = tree.start()
        first.use {
            first.serves()
            tree.start().use { it.serves() }
            tree.builds shouldBe 1 // nothing has changed
            tree.images() shouldHaveSize 1

            tree.changeSource()
            tree.clean()
            first.serves()
            tree.start().use { second ->
                tree.builds shouldBe 2
                tree.images() shouldHaveSize 2
                first.serves() // by a connection that has classes to load, perhaps
                second.serves()
            }
        }
        tree.changeSource()
        tree.start().use { it.serves() }
        tree.builds shouldBe 3
        tree.images() shouldHaveSize 1
        tree.resolve("samples/.run/new").exists() shouldBe false
    }

    test("programs that are started together build once") {
        tree.changeSource()
        val before = tree.builds
        val programs = List(3) { CompletableFuture.supplyAsync { tree.start() } }
        programs.forEach { it.get().use { program -> program.serves() } }
        tree.builds shouldBe before + 1
    }
})
