package io.netpark.core.net.secure;

import java.nio.ByteBuffer;

/** The five bytes in front of each TLS record: type, version, length (RFC 8446, 5.1). */
final class Record {

    static final int HEADER = 5;
    static final int MAX_PLAINTEXT = 16 * 1024;

    private static final byte CHANGE_CIPHER_SPEC = 20;
    private static final byte HANDSHAKE = 22;
    private static final byte HEARTBEAT = 24;
    private static final byte MAJOR_VERSION = 3;

    private Record() {}

    /** How long the record is, with its header, of which there must be {@link #HEADER} bytes. */
    static int length(ByteBuffer in) {
        return HEADER + (in.getShort(in.position() + 3) & 0xFFFF);
    }

    /** Whether a record lies there as a whole; or something that cannot become one, which the engine then has to refuse. */
    static boolean isWhole(ByteBuffer in) {
        if (in.remaining() < HEADER) {
            return false;
        }
        int length = length(in);
        return length > RecordScratch.MAX_RECORD || in.remaining() >= length || !isTls(in.get(in.position()), in.get(in.position() + 1));
    }

    /** Whether it begins as records do. A plain request to a TLS port does not, and nobody should wait for the rest of it. */
    static boolean isTls(byte type, byte majorVersion) {
        return type >= CHANGE_CIPHER_SPEC && type <= HEARTBEAT && majorVersion == MAJOR_VERSION;
    }

    /** Whether a record has a handshake message, for all to see. */
    static boolean isHandshake(ByteBuffer in) {
        return in.get(in.position()) == HANDSHAKE;
    }
}
