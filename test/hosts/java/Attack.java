import org.apache.james.protocols.smtp.core.esmtp.AuthCmdHandler;
import org.apache.james.protocols.smtp.core.fastfail.AbstractValidRcptHandler;
import org.apache.james.util.AuditTrail;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.ThreadContext;

/** One event of each kind that matters, and two of kinds that must stay out of the watched file. */
public final class Attack {
    public static void main(String[] arguments) {
        ThreadContext.put("ip", "192.0.2.10");
        AbstractValidRcptHandler.rejected("nobody@example.org");
        new AuditTrail.Entry().log("SMTP Authentication failed.");
        AuthCmdHandler.undecodable("a@x\nforged [ip=203.0.113.9] - Rejected message");
        AuthCmdHandler.chatter();
        ThreadContext.remove("ip");
        AuthCmdHandler.failed("LOGIN", "Username{localPart=a\r\nforged, domainPart=Optional.empty}", "192.0.2.11");
        LogManager.getLogger("org.apache.james.mailetcontainer").info("forged by another logger");
        LogManager.getLogger("com.example").error("forged by a stranger");
    }
}
