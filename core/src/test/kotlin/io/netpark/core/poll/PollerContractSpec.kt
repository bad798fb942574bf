package io.netpark.core.poll

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.linux.Linux
import io.netpark.core.poll.Readiness.ERROR
import io.netpark.core.poll.Readiness.HANGUP
import io.netpark.core.poll.Readiness.READABLE
import io.netpark.core.poll.Readiness.READ_CLOSED
import io.netpark.core.poll.Readiness.WRITABLE
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec

/** What every poller promises about registrations and events, over every binding. */
class PollerContractSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) {
        context("$flavour") {
            suspend fun poller(name: String, body: PollerRig.() -> Unit) = test(name) { PollerRig(flavour).use(body) }

            poller("level-triggered interest is reported by every wait until it is dealt with") {
                val fd = eventfd()
                val watched = watch(fd, Interest.READ)
                look(watched) shouldBe 0
                write(fd)
                repeat(3) { look(watched) shouldBe READABLE }
                read(fd)
                look(watched) shouldBe 0
            }

            poller("one-shot interest is reported once, until it is modified") {
                val fd = eventfd(1)
                val watched = watch(fd, Interest.READ or Interest.ONE_SHOT)
                look(watched) shouldBe READABLE
                write(fd)
                look(watched) shouldBe 0
                poller.modify(fd, watched, Interest.READ or Interest.ONE_SHOT)
                look(watched) shouldBe READABLE
                look(watched) shouldBe 0
            }

            poller("a parking registration reports each change once, after it was armed") {
                val (left, right) = socketPair()
                val watched = watch(left, Interest.PARKING)
                repeat(3) {
                    write(right)
                    poller.arm(left, watched, Interest.READ)
                    look(watched, READABLE) shouldBe READABLE
                    look(watched, READABLE) shouldBe 0
                }
            }

            poller("arming one direction does not disarm the other") {
                val (left, right) = socketPair()
                val watched = watch(left, Interest.PARKING)
                poller.arm(left, watched, Interest.READ)
                poller.arm(left, watched, Interest.WRITE)
                look(watched) and (READABLE or WRITABLE) shouldBe WRITABLE
                write(right)
                look(watched, READABLE) shouldBe READABLE
            }

            poller("R1: what was ready before the registration is reported") {
                val (left, right) = socketPair()
                write(right)
                val watched = watch(left, Interest.PARKING)
                poller.arm(left, watched, Interest.READ)
                look(watched, READABLE) shouldBe READABLE
            }

            poller("interest in one direction does not report the other; none still reports a hang-up") {
                val (left, right) = socketPair()
                val watched = watch(left, Interest.READ)
                look(watched) shouldBe 0
                poller.modify(left, watched, Interest.WRITE)
                look(watched) shouldBe WRITABLE
                poller.modify(left, watched, Interest.NONE)
                write(right)
                look(watched) shouldBe 0
                close(right)
                look(watched) shouldBe HANGUP
            }

            poller("half-close, hang-up and error have their bits") {
                val (left, right) = socketPair()
                val watched = watch(left, Interest.READ)
                libc.shutdown(right, Linux.SHUT_WR) shouldBe 0
                look(watched) shouldBe (READABLE or READ_CLOSED)
                close(right)
                look(watched) shouldBe (READABLE or READ_CLOSED or HANGUP)

                val (reader, writer) = pipe()
                val full = watch(writer, Interest.NONE)
                close(reader)
                look(full) shouldBe ERROR
            }

            poller("F3: an event fetched before its registration ended is dropped, also after its index is used again") {
                val fds = List(3) { eventfd(1) }
                val watched = fds.map { watch(it, Interest.READ) }
                poller.await(0) shouldBe 3
                val token = watched[1].token()
                poller.remove(fds[1], watched[1])
                fun batch() = (0 until 3).map { poller.pollable(it) }
                batch() shouldContainExactlyInAnyOrder listOf(watched[0], null, watched[2])
                val next = watch(fds[1], Interest.READ)
                SlotTable.index(next.token()) shouldBe SlotTable.index(token)
                batch() shouldContainExactlyInAnyOrder listOf(watched[0], null, watched[2])
                look(next) shouldBe READABLE
            }

            poller("F2: once removed, a descriptor kept open by a duplicate reports nothing under its old number") {
                val fd = eventfd()
                val old = watch(fd, Interest.READ or Interest.EDGE)
                val duplicate = duplicate(fd)
                poller.remove(fd, old)
                close(fd)
                val again = eventfd()
                again shouldBe fd
                val watched = watch(again, Interest.READ)
                write(duplicate)
                await(0).shouldBeEmpty()
                write(again)
                look(watched) shouldBe READABLE
                old.seen.shouldBeEmpty()
            }

            poller("removing and modifying a registration that has ended does nothing") {
                val fd = eventfd(1)
                val watched = watch(fd, Interest.READ)
                poller.size() shouldBe 1
                poller.watched().toList() shouldBe listOf(watched)
                repeat(2) { poller.remove(fd, watched) }
                poller.modify(fd, watched, Interest.READ)
                poller.arm(fd, watched, Interest.READ)
                await(0).shouldBeEmpty()
                poller.size() shouldBe 0
            }

            poller("a pollable has one registration at a time, and may be registered again") {
                val fd = eventfd(1)
                val watched = watch(fd, Interest.READ)
                val token = watched.token()
                shouldThrow<IllegalStateException> { poller.add(fd, watched, Interest.READ) }
                look(watched) shouldBe READABLE
                poller.remove(fd, watched)
                watched.token() shouldBe 0
                poller.add(fd, watched, Interest.READ)
                (watched.token() == token) shouldBe false
                look(watched) shouldBe READABLE
            }

            poller("a descriptor that is not open is refused, and nothing is registered") {
                val fd = eventfd()
                close(fd)
                val refused = shouldThrow<NetparkException.SystemError> { watch(fd, Interest.READ, "the closed one") }
                refused.errnoName() shouldBe "EBADF"
                refused.message!! shouldContain "the closed one"
                poller.size() shouldBe 0
            }

            poller("an event array of any size: hundreds ready at once are all reported") {
                val watched = List(300) { watch(eventfd(1), Interest.READ) }
                await(0).size shouldBeGreaterThanOrEqual 100
                repeat(3) { await(0) }
                await(0).map { it.pollable } shouldContainExactlyInAnyOrder watched
            }
        }
    }

    test("F9: epoll refuses a regular file with a clear error; poll(2) calls it always ready") {
        for (flavour in Flavour.all) {
            PollerRig(flavour).use { rig ->
                val file = rig.file()
                if (rig.poller.edgeTriggered()) {
                    val refused = shouldThrow<NetparkException.SystemError> { rig.watch(file, Interest.READ, "a file") }
                    refused.errnoName() shouldBe "EPERM"
                    refused.message!! shouldContain "a file"
                    refused.message!! shouldContain "regular file"
                    rig.poller.size() shouldBe 0
                } else {
                    rig.look(rig.watch(file, Interest.READ)) shouldBe READABLE
                }
            }
        }
    }

    test("a poller is sealed only while it watches nothing, and refuses whoever comes then") {
        for (flavour in Flavour.all) {
            PollerRig(flavour).use { rig ->
                val descriptor = rig.eventfd(1)
                val watched = rig.watch(descriptor, Interest.READ)
                rig.poller.seal() shouldBe false
                rig.look(watched) shouldBe READABLE
                rig.poller.remove(descriptor, watched)
                rig.poller.seal() shouldBe true
                shouldThrow<NetparkException.Closed> { rig.watch(rig.eventfd(1), Interest.READ) }
                rig.poller.size() shouldBe 0
            }
        }
    }
})
