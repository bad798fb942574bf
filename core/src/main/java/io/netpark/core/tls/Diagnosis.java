package io.netpark.core.tls;

import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.NetparkException.TlsFault;
import java.security.InvalidAlgorithmParameterException;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.CertificateRevokedException;
import java.security.cert.PKIXReason;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import javax.crypto.AEADBadTagException;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLProtocolException;
import org.jspecify.annotations.Nullable;

/**
 * What an exception of an engine means, and what to do about it. Engines of the JDK, of Conscrypt and of Netty are understood.
 * What an exception of the JDK's certificate checks says by its class counts most; what an engine says in words counts less.
 *
 * @param fault the kind
 * @param sentence what happened, what to do, and in parentheses the engine's own words; one line without a full stop
 */
public record Diagnosis(TlsFault fault, String sentence) {

    private static final int MOST_OF_THE_ENGINES_WORDS = 300;

    /** What engines with BoringSSL inside say, among addresses and lines of its source. */
    private static final Pattern NATIVE_WORDS = Pattern.compile("OPENSSL_internal:(\\w+)");

    /**
     * Words of engines, and what they mean. The first that is found counts. Words are compared in lower case, with blanks for
     * underscores: engines with OpenSSL inside have them as names of constants.
     */
    private record Words(TlsFault fault, String sentence, String... anyOf) {

        boolean isIn(String text) {
            for (String words : anyOf) {
                if (text.contains(words)) {
                    return true;
                }
            }
            return false;
        }
    }

    private static final String UNKNOWN_AUTHORITY = "nobody who is trusted here has signed the peer's certificate;"
            + " trust its authority by trust(...), or let the peer send its whole chain";
    private static final String EXPIRED = "a certificate of the peer has expired; the peer has to renew it";
    private static final String NOT_YET_VALID =
            "a certificate of the peer is not valid yet; compare the clocks of both machines";
    private static final String REVOKED = "the peer's certificate has been revoked; the peer needs another";
    private static final String WRONG_HOST = "the peer's certificate is not for the name that was dialed;"
            + " dial by a name that is in it, or set serverName(...)";
    private static final String BAD_CERTIFICATE = "the peer's certificate is not fit for this use: weak, malformed, or made for another one;"
            + " the peer needs another";
    private static final String CERTIFICATE_MISSING = "the peer sent no certificate, and this side wants one";
    private static final String BAD_RECORD = "the peer sent a record that cannot be decrypted, or that is not allowed here";

    /** What the peer's alerts mean, by their names in RFC 8446 and RFC 5246. */
    private static final List<Words> ALERTS = List.of(
            new Words(TlsFault.NO_COMMON_PROTOCOL, "the peer has no version of TLS in common with this side; see protocols(...) on both",
                    "protocol version"),
            new Words(TlsFault.CERTIFICATE_REFUSED, "the peer does not know the authority that has signed the certificate of this side;"
                    + " send the whole chain, or let the peer trust the authority", "unknown ca"),
            new Words(TlsFault.CERTIFICATE_REFUSED, "the peer says that the certificate of this side has expired; renew it",
                    "certificate expired"),
            new Words(TlsFault.CERTIFICATE_REFUSED, "the peer says that the certificate of this side has been revoked; replace it",
                    "certificate revoked"),
            new Words(TlsFault.CERTIFICATE_REFUSED, "the peer does not accept the certificate of this side; it may lack trust in its"
                    + " authority, look for another name in it, or want one where this side has none; the peer's log says more",
                    "bad certificate", "unsupported certificate", "certificate unknown", "access denied"),
            new Words(TlsFault.CERTIFICATE_MISSING, "the peer wants a certificate of this side, which sent none that the peer would take;"
                    + " see certificate(...)", "certificate required", "no certificate"),
            new Words(TlsFault.NO_COMMON_APPLICATION_PROTOCOL, "the peer has none of the application protocols of this side; see"
                    + " applicationProtocols(...) on both", "no application protocol"),
            new Words(TlsFault.UNKNOWN_NAME, "the peer does not serve the name that was asked for", "unrecognized name"),
            new Words(TlsFault.NO_COMMON_CIPHER, "the peer has no cipher suite, group or signature in common with this side; before TLS 1.3"
                    + " it may also mean that it wants a certificate of this side", "handshake failure", "insufficient security"),
            new Words(TlsFault.RENEGOTIATION, "the peer does not negotiate again in the middle of a connection", "no renegotiation"),
            new Words(TlsFault.ENDED, "the peer gave up in the middle of the handshake", "user canceled", "close notify"));

    private static final List<Words> LOCAL = List.of(
            new Words(TlsFault.RENEGOTIATION, "the peer wanted to negotiate again in the middle of a connection, which is refused",
                    "renegotiation"),
            new Words(TlsFault.NOT_TLS, "the peer speaks no TLS; one of the two sides is set up for plain connections, or the port is wrong",
                    "unrecognized ssl message", "plaintext connection", "not an ssl/tls record", "unrecognized record version",
                    "http request", "https proxy request", "wrong version number", "unsupported ssl v2",
                    "unable to parse tls packet header"),
            new Words(TlsFault.NO_COMMON_PROTOCOL, "the peer has no version of TLS that is enabled here; see protocols(...) on both sides",
                    "is not enabled or supported", "not accepted by server preferences", "not accepted by client preferences",
                    "that protocol version is not enabled", "unsupported protocol", "no appropriate protocol", "no protocols available",
                    "supported versions extension is absent"),
            new Words(TlsFault.CERTIFICATE_MISSING, CERTIFICATE_MISSING, "empty client certificate chain", "empty server certificate chain",
                    "peer did not return a certificate", "peer sent no certificate"),
            new Words(TlsFault.NO_COMMON_APPLICATION_PROTOCOL, "the peer offers none of the application protocols of this side; see"
                    + " applicationProtocols(...) on both", "no matching application layer protocol", "no application protocol"),
            new Words(TlsFault.UNKNOWN_NAME, "there is no certificate for the name that the peer asks for, and such are refused"
                    + " (refuseUnknownNames)", "unrecognized server name"),
            new Words(TlsFault.BAD_CERTIFICATE, "the peer cannot show that it has the key of its certificate",
                    "certificateverify signature", "server key exchange signature", "verification of signature", "bad signature"),
            new Words(TlsFault.NO_COMMON_CIPHER, "the peer has no cipher suite, group or signature that fits this side and the key of its"
                    + " certificate; see cipherSuites(...), and add a certificate with an RSA key for old peers",
                    "no cipher suites in common", "no available authentication scheme", "no shared cipher", "no common signature",
                    "no supported signature", "signature scheme", "signature algorithm", "named group", "no shared group", "no suitable",
                    "no ciphers available", "no certificate set", "unknown cipher returned", "unable to find key material"),
            new Words(TlsFault.WRONG_HOST, WRONG_HOST, "no subject alternative", "no name matching", "hostname mismatch",
                    "ip address mismatch", "illegal given domain name", "not verified (no certificates)", "doesn't match"),
            new Words(TlsFault.BAD_CERTIFICATE, BAD_CERTIFICATE, "extended key usage", "key usage", "keyusage", "algorithm constraints",
                    "basic constraints"),
            new Words(TlsFault.UNKNOWN_AUTHORITY, UNKNOWN_AUTHORITY, "path building failed", "no trusted certificate", "trust anchor",
                    "trustanchors", "unable to get local issuer", "self signed certificate", "self-signed certificate"),
            new Words(TlsFault.EXPIRED, EXPIRED, "certificate has expired"),
            new Words(TlsFault.BAD_CERTIFICATE, BAD_CERTIFICATE, "certificate verify failed", "failed to parse server certificates",
                    "failed to parse client certificates"),
            new Words(TlsFault.ENDED, "the peer ended the connection in the middle of the handshake",
                    "close notify during handshake", "ssl handshake failure", "peer shut down incorrectly",
                    "closed inbound before receiving", "closing inbound before receiving", "connection closed during handshake"),
            new Words(TlsFault.BAD_RECORD, BAD_RECORD, "tag mismatch", "bad record mac", "bad decrypt", "decryption failed",
                    "decrypt error", "insufficient buffer remaining for aead", "too big", "too large", "too long",
                    "excessive message size", "record overflow", "unexpected record", "unexpected message", "content type",
                    "unexpected content", "inner plaintext", "unexpected handshake", "handshake message", "insufficient data",
                    "illegal parameter", "decode error", "bad packet", "insufficient space", "parse failed", "error parsing",
                    "illegal packet length", "change cipher spec", "excess handshake data", "wrong curve", "bad ecpoint",
                    "non-ldh ascii", "invalid"));

    /** Of what an engine, one of its tasks, or a trust manager has thrown. */
    public static Diagnosis of(Throwable failure) {
        List<Throwable> causes = causes(failure);
        Diagnosis byClass = byClass(causes);
        if (byClass != null) {
            return byClass;
        }
        for (Throwable cause : causes) {
            Diagnosis alert = byAlert(cause);
            if (alert != null) {
                return alert;
            }
        }
        for (Throwable cause : causes) {
            Words words = found(LOCAL, text(cause));
            if (words != null) {
                return of(words.fault, words.sentence, cause);
            }
        }
        if (causes.stream().anyMatch(cause -> cause instanceof SSLProtocolException)) {
            return of(TlsFault.BAD_RECORD, BAD_RECORD, failure);
        }
        Throwable innermost = causes.get(causes.size() - 1); // a trust manager's own, for example
        Throwable named = innermost instanceof SSLException ? innermost : new SSLException(innermost); // which says its class
        return of(TlsFault.ENGINE, "the engine failed", named);
    }

    private static List<Throwable> causes(Throwable failure) {
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        List<Throwable> causes = new ArrayList<>();
        for (Throwable cause = failure; cause != null && seen.add(cause); cause = cause.getCause()) {
            causes.add(cause);
        }
        return causes;
    }

    /** By the class of the innermost cause that says something: it knows best. */
    private static @Nullable Diagnosis byClass(List<Throwable> causes) {
        for (int i = causes.size() - 1; i >= 0; i--) {
            Throwable cause = causes.get(i);
            if (cause instanceof CertificateExpiredException) {
                return of(TlsFault.EXPIRED, EXPIRED, cause);
            } else if (cause instanceof CertificateNotYetValidException) {
                return of(TlsFault.NOT_YET_VALID, NOT_YET_VALID, cause);
            } else if (cause instanceof CertificateRevokedException) {
                return of(TlsFault.REVOKED, REVOKED, cause);
            } else if (cause instanceof CertPathValidatorException path) {
                Diagnosis diagnosis = byReason(path);
                if (diagnosis != null) {
                    return diagnosis;
                }
            } else if (cause instanceof CertPathBuilderException
                    || cause instanceof InvalidAlgorithmParameterException && text(cause).contains("trustanchors")) {
                return of(TlsFault.UNKNOWN_AUTHORITY, UNKNOWN_AUTHORITY, cause);
            } else if (cause instanceof CertificateException) {
                Words words = found(LOCAL, text(cause));
                return words == null
                        ? of(TlsFault.BAD_CERTIFICATE, BAD_CERTIFICATE, cause)
                        : of(words.fault, words.sentence, cause);
            } else if (cause instanceof AEADBadTagException) {
                return of(TlsFault.BAD_RECORD, BAD_RECORD, cause);
            } else if (cause instanceof SSLPeerUnverifiedException) {
                return of(TlsFault.WRONG_HOST, WRONG_HOST, cause);
            }
        }
        return null;
    }

    private static @Nullable Diagnosis byReason(CertPathValidatorException cause) {
        CertPathValidatorException.Reason reason = cause.getReason();
        if (reason == BasicReason.EXPIRED) {
            return of(TlsFault.EXPIRED, EXPIRED, cause);
        } else if (reason == BasicReason.NOT_YET_VALID) {
            return of(TlsFault.NOT_YET_VALID, NOT_YET_VALID, cause);
        } else if (reason == BasicReason.REVOKED) {
            return of(TlsFault.REVOKED, REVOKED, cause);
        } else if (reason == BasicReason.UNDETERMINED_REVOCATION_STATUS) {
            return of(TlsFault.BAD_CERTIFICATE,
                    "nobody says whether the peer's certificate has been revoked; let the list or the service of its authority be"
                            + " reached", cause);
        } else if (reason == PKIXReason.NO_TRUST_ANCHOR || reason == PKIXReason.NAME_CHAINING) {
            return of(TlsFault.UNKNOWN_AUTHORITY, UNKNOWN_AUTHORITY, cause);
        } else if (reason == BasicReason.UNSPECIFIED) {
            return null; // what is around it may know more
        }
        return of(TlsFault.BAD_CERTIFICATE, BAD_CERTIFICATE, cause);
    }

    /** If the peer has sent an alert, by its name. */
    private static @Nullable Diagnosis byAlert(Throwable cause) {
        String text = text(cause);
        if (!text.contains("received fatal alert") && !text.contains("received fatal close") && !text.contains("tlsv1 alert")
                && !text.contains("tlsv13 alert") && !text.contains("sslv3 alert") && !text.contains("tlsv1 unrecognized name")
                && !text.contains("tlsv1 certificate required")) {
            return null;
        }
        Words words = found(ALERTS, text);
        return words == null
                ? of(TlsFault.ALERT, "the peer ended the connection by an alert; its log says more", cause)
                : of(words.fault, words.sentence, cause);
    }

    private static @Nullable Words found(List<Words> table, String text) {
        for (Words words : table) {
            if (words.isIn(text)) {
                return words;
            }
        }
        return null;
    }

    private static String text(Throwable cause) {
        String message = cause.getMessage();
        return message == null ? "" : message.toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private static Diagnosis of(TlsFault fault, String sentence, Throwable cause) {
        return new Diagnosis(fault, sentence + " (" + words(cause) + ")");
    }

    /** What the engine says, in one line: what is in it may come from the peer. */
    private static String words(Throwable cause) {
        String message = cause.getMessage();
        List<String> natives = NATIVE_WORDS.matcher(message == null ? "" : message).results().map(found -> found.group(1)).toList();
        StringBuilder line = new StringBuilder(
                !natives.isEmpty() ? String.join(", ", natives) : message == null ? cause.getClass().getName() : message);
        if (line.length() > MOST_OF_THE_ENGINES_WORDS) {
            line.setLength(MOST_OF_THE_ENGINES_WORDS);
            line.append("...");
        }
        for (int i = 0; i < line.length(); i++) {
            if (Character.isISOControl(line.charAt(i))) {
                line.setCharAt(i, ' ');
            }
        }
        return line.toString();
    }

    /**
     * As an exception, without a cause: there is one for each peer that is not understood, and the engine's stack says no more.
     *
     * @param operation what was attempted, and with whom: {@code TLS handshake with 10.0.0.1:80}
     */
    public NetparkException.TlsFailure failure(String operation) {
        return new NetparkException.TlsFailure(fault, operation + ": " + sentence);
    }
}
