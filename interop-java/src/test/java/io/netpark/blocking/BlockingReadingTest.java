package io.netpark.blocking;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.framing.Framing;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class BlockingReadingTest {

    static List<Setting> settings() {
        return Setting.all();
    }

    @ParameterizedTest
    @MethodSource("settings")
    void whatProtocolsAreMadeOfIsWaitedForUntilItIsWhole(Setting setting) throws Exception {
        setting.withPair((client, server) -> {
            byte[] message = ByteBuffer.allocate(64).put((byte) -2).putShort((short) 0x1234).putShort((short) 0x3412).putInt(0x12345678)
                    .putInt(0x78563412).putLong(0x1122334455667788L).putLong(0x8877665544332211L).put(new byte[] {1, 2, 3})
                    .put("h\u00e9llo".getBytes(StandardCharsets.UTF_8)).put("\u00e9".getBytes(StandardCharsets.ISO_8859_1))
                    .put("line\r\nup to;and::\3end".getBytes(StandardCharsets.UTF_8)).array();
            Setting.Started<Void> dribbling = setting.start(() -> {
                for (byte each : message) { // one by one, so that all of them are waited for
                    client.writer().putByte(each);
                    client.flush();
                    Thread.yield();
                }
                return null;
            });
            assertEquals(-2, server.awaitByte());
            assertEquals(0x1234, server.awaitShort());
            assertEquals(0x1234, server.awaitShortLe());
            assertEquals(0x12345678, server.awaitInt());
            assertEquals(0x12345678, server.awaitIntLe());
            assertEquals(0x1122334455667788L, server.awaitLong());
            assertEquals(0x1122334455667788L, server.awaitLongLe());
            assertArrayEquals(new byte[] {1, 2, 3}, server.awaitBytes(3));
            assertEquals("h\u00e9llo", server.awaitString(6));
            assertEquals("\u00e9", server.awaitString(1, StandardCharsets.ISO_8859_1));
            assertEquals("line", server.awaitLine());
            assertEquals(6, server.awaitUntil((byte) ';', 100).remaining());
            assertEquals(5, server.awaitUntil(new byte[] {':', ':'}, 100).remaining());
            ByteBuffer framed = server.awaitMessage(Framing.lengthField(1, 10));
            assertEquals("end", StandardCharsets.UTF_8.decode(framed).toString());
            dribbling.get();
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void atACleanEndSomeSayNothingAndSomeMissTheRest(Setting setting) throws Exception {
        setting.withPair((client, server) -> {
            client.shutdownOutput();
            assertFalse(server.await(1));
            assertFalse(server.awaitRequest());
            assertNull(server.awaitLine());
            assertNull(server.awaitUntil((byte) 0, 10));
            assertNull(server.awaitMessage(Framing.fixedLength(1)));
            assertNull(server.awaitUntil(new byte[2], 10));
            assertEquals(-1, server.read(new byte[1]));
            assertEquals(-1, server.asInputStream().read());
            assertEquals(-1, server.asChannel().read(ByteBuffer.allocate(1)));
            List<Executable> ofSomethingThatHasBegun = List.of(() -> server.awaitRest(1), server::awaitByte, server::awaitShort,
                    server::awaitShortLe, server::awaitInt, server::awaitIntLe, server::awaitLong, server::awaitLongLe,
                    () -> server.awaitBytes(1), () -> server.awaitString(1));
            for (Executable each : ofSomethingThatHasBegun) {
                assertThrows(NetparkException.Truncated.class, each);
            }
            assertArrayEquals(new byte[0], server.awaitBytes(0));
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void anEndInTheMidstLosesNothing(Setting setting) throws Exception {
        setting.withPair((client, server) -> {
            client.write("abc".getBytes(StandardCharsets.UTF_8));
            client.shutdownOutput();
            for (Executable each : List.<Executable>of(() -> server.await(4), server::awaitInt, server::awaitLong, () -> server.awaitBytes(4),
                    server::awaitLine, () -> server.awaitUntil((byte) ';', 10), () -> server.awaitUntil(new byte[2], 10),
                    () -> server.awaitMessage(Framing.fixedLength(4)))) {
                assertThrows(NetparkException.Truncated.class, each);
            }
            assertTrue(server.awaitRequest());
            assertEquals("abc", server.awaitString(3));
        });
    }

    @ParameterizedTest
    @MethodSource("settings")
    void bytesComeInOrderWhicheverWayTheyAreRead(Setting setting) throws Exception {
        setting.withPair((client, server) -> {
            client.write("0123456789abcdefghij".getBytes(StandardCharsets.UTF_8));
            client.shutdownOutput();
            assertEquals('0', server.awaitByte()); // by now the reader may hold the rest
            byte[] two = new byte[2];
            assertEquals(2, server.read(two));
            assertEquals("12", text(two));
            InputStream in = server.asInputStream();
            assertEquals('3', in.read());
            assertEquals("45", text(in.readNBytes(2)));
            ByteChannel channel = server.asChannel();
            ByteBuffer four = ByteBuffer.allocate(4);
            while (four.hasRemaining()) {
                assertTrue(channel.read(four) > 0);
            }
            assertEquals("6789", text(four.array()));
            assertEquals(0, channel.read(four)); // there is no room
            assertEquals('a', server.awaitByte());
            assertEquals("bcdefghij", text(in.readAllBytes()));
        });
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Test
    void whatIsLongerThanAllowedIsRefusedAndCounted() throws Exception {
        Setting setting = Setting.all().get(0);
        setting.withPair((client, server) -> {
            server.setInputLimit(100);
            assertThrows(NetparkException.LimitExceeded.class, () -> server.await(101));
            assertThrows(IllegalStateException.class, () -> server.awaitMessage(Framing.fixedLength(101)));
            client.write("a line\n".getBytes(StandardCharsets.UTF_8));
            assertThrows(NetparkException.LimitExceeded.class, () -> server.awaitLine(6));
            assertThrows(NetparkException.LimitExceeded.class, () -> server.awaitMessage(Framing.lines(5)));
            assertEquals("a line", server.awaitLine(7));
            assertThrows(IllegalArgumentException.class, () -> server.setInputLimit(0));
            client.write(new byte[101]); // the limit of a line is never more than that of all input
            assertThrows(NetparkException.LimitExceeded.class, () -> server.awaitLine(200));
            assertThrows(NetparkException.LimitExceeded.class, () -> server.awaitUntil((byte) 1, 200));
        });
    }

    @Test
    void closingTheStreamsOrTheChannelClosesTheConnection() throws Exception {
        for (int which = 0; which < 3; which++) {
            int each = which;
            Setting.all().get(0).withPair((client, server) -> {
                switch (each) {
                    case 0 -> client.asInputStream().close();
                    case 1 -> {
                        client.asOutputStream().write(7);
                        client.asOutputStream().close(); // and flushes
                    }
                    default -> client.asChannel().close();
                }
                assertTrue(client.isClosed());
                assertFalse(client.asChannel().isOpen());
                assertThrows(IOException.class, () -> client.asInputStream().read());
                if (each == 1) {
                    assertEquals(7, server.awaitByte());
                }
                assertFalse(server.await(1));
            });
        }
    }
}
