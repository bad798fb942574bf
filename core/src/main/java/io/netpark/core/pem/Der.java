package io.netpark.core.pem;

import java.security.InvalidKeyException;
import java.util.Arrays;

/**
 * As much of DER (X.690) as it takes to find the algorithm of a key, and to wrap the two older forms of keys into PKCS#8. A
 * cursor over the bytes of one level.
 */
final class Der {

    static final int INTEGER = 0x02;
    static final int OCTET_STRING = 0x04;
    static final int OBJECT_IDENTIFIER = 0x06;
    static final int SEQUENCE = 0x30;
    static final int PARAMETERS = 0xA0; // [0], of an ECPrivateKey (RFC 5915)

    private final byte[] bytes;
    private final int end;
    private int at;

    private Der(byte[] bytes, int from, int end) {
        this.bytes = bytes;
        this.at = from;
        this.end = end;
    }

    static Der of(byte[] bytes) {
        return new Der(bytes, 0, bytes.length);
    }

    /** The tag of the next element; -1 at the end. */
    int tag() {
        return at < end ? bytes[at] & 0xFF : -1;
    }

    /** The content of the next element, which has to have the tag. It is passed over. */
    Der enter(int tag) throws InvalidKeyException {
        if (tag() != tag) {
            throw new InvalidKeyException("a key has tag " + tag() + " where " + tag + " should be");
        }
        int header = at + 2;
        int length = at + 1 < end ? bytes[at + 1] & 0xFF : 0x80;
        if (length >= 0x80) {
            int octets = length & 0x7F;
            if (octets == 0 || octets > 3 || header + octets > end) {
                throw new InvalidKeyException("a key has a length that is none");
            }
            length = 0;
            for (int i = 0; i < octets; i++) {
                length = length << 8 | bytes[header++] & 0xFF;
            }
        }
        if (length > end - header) {
            throw new InvalidKeyException("a key ends too early");
        }
        at = header + length;
        return new Der(bytes, header, at);
    }

    /** The next element, with its header. It is passed over. */
    byte[] element() throws InvalidKeyException {
        int from = at;
        enter(tag());
        return Arrays.copyOfRange(bytes, from, at);
    }

    /** What is left of this level. */
    byte[] rest() {
        return Arrays.copyOfRange(bytes, at, end);
    }

    /** This level's content, an OBJECT IDENTIFIER, in dotted form. */
    String objectIdentifier() {
        StringBuilder dotted = new StringBuilder();
        long arc = 0;
        for (int i = at; i < end; i++) {
            arc = arc << 7 | bytes[i] & 0x7F;
            if (bytes[i] >= 0) { // the last octet of this arc
                if (dotted.isEmpty()) {
                    long first = Math.min(arc / 40, 2);
                    dotted.append(first).append('.').append(arc - 40 * first);
                } else {
                    dotted.append('.').append(arc);
                }
                arc = 0;
            }
        }
        return dotted.toString();
    }

    /** An element of these parts. */
    static byte[] element(int tag, byte[]... parts) {
        int length = 0;
        for (byte[] part : parts) {
            length += part.length;
        }
        int octets = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
        byte[] element = new byte[2 + octets + length];
        element[0] = (byte) tag;
        element[1] = (byte) (octets == 0 ? length : 0x80 | octets);
        for (int i = 0; i < octets; i++) {
            element[2 + i] = (byte) (length >> 8 * (octets - 1 - i));
        }
        int to = 2 + octets;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, element, to, part.length);
            to += part.length;
        }
        return element;
    }
}
