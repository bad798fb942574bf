package io.netpark.core.net.secure;

import java.nio.ByteBuffer;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;

/**
 * A fatal alert in a handshake that the peer has not encrypted. Clients with OpenSSL that refuse the certificate of a TLS 1.3 server send
 * such, though they should encrypt it: at that time they have changed their keys for reading and not yet those for writing. An engine
 * that expects an encrypted record says of it only that it cannot be decrypted. Nobody has vouched for the alert; but the handshake has
 * failed anyway, and this is most probably why.
 */
final class PlainAlert {

    private static final byte ALERT = 21;
    private static final int LENGTH = Record.HEADER + 2; // an encrypted one has a tag in addition
    private static final byte FATAL = 2;

    private PlainAlert() {}

    /** The alert in a record; -1 if that has none which is fatal and not encrypted. */
    static int in(ByteBuffer record) {
        int start = record.position();
        return record.remaining() >= LENGTH && record.get(start) == ALERT && Record.length(record) == LENGTH
                && record.get(start + Record.HEADER) == FATAL
                ? record.get(start + Record.HEADER + 1) & 0xFF
                : -1;
    }

    /** As the JDK's engine says it, when it understands. */
    static SSLException failure(int alert) {
        return new SSLHandshakeException("Received fatal alert: " + name(alert));
    }

    /** RFC 8446, 6, and RFC 5246, 7.2. */
    private static String name(int alert) {
        return switch (alert) {
            case 0 -> "close_notify"; // should be a warning; not all know
            case 10 -> "unexpected_message";
            case 20 -> "bad_record_mac";
            case 22 -> "record_overflow";
            case 40 -> "handshake_failure";
            case 42 -> "bad_certificate";
            case 43 -> "unsupported_certificate";
            case 44 -> "certificate_revoked";
            case 45 -> "certificate_expired";
            case 46 -> "certificate_unknown";
            case 47 -> "illegal_parameter";
            case 48 -> "unknown_ca";
            case 49 -> "access_denied";
            case 50 -> "decode_error";
            case 51 -> "decrypt_error";
            case 70 -> "protocol_version";
            case 71 -> "insufficient_security";
            case 80 -> "internal_error";
            case 90 -> "user_canceled";
            case 109 -> "missing_extension";
            case 110 -> "unsupported_extension";
            case 112 -> "unrecognized_name";
            case 116 -> "certificate_required";
            case 120 -> "no_application_protocol";
            default -> "number " + alert;
        };
    }
}
